"""The face swap as a tool, with the face search's real networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from studio.errors import ModelUnavailableError, StudioError, UserInputError
from studio.imaging.picture import Picture
from studio.models.cache import Model, ModelCache
from studio.models.catalogue import ModelSpec, Task
from studio.report import Report
from studio.words import msg
from tests.studio.models.face_networks import (
    catalogue_contract,
    load,
    write_bridge,
    write_occluder,
    write_recogniser,
    write_restorer,
    write_swapper,
)
from tests.studio.tools.faceswap.faces import astronaut, behind
from tests.studio.tools.faceswap.swaps import (
    FACE,
    FACE_SEARCH,
    blank,
    change_in,
    darker,
    side_by_side,
    swap,
)
from tests.words import said

pytestmark = [
    pytest.mark.slow,
    pytest.mark.weights(*FACE_SEARCH),
    pytest.mark.usefixtures("need_weights"),
]


class WithNetworks:
    """The installed face search beside tiny networks of one's own."""

    def __init__(self, installed: ModelCache, networks: Mapping[str, Model]) -> None:
        self._installed = installed
        self._networks = networks
        self.opened: list[str] = []

    def spec(self, model_id: str) -> ModelSpec:
        return self._installed.spec(model_id)

    def is_installed(self, model_id: str) -> bool:
        return model_id in self._networks

    def known_for(self, tool: str, task: Task) -> list[ModelSpec]:
        return self._installed.known_for(tool, task)

    def installed_for(self, tool: str, task: Task) -> list[str]:
        return [spec.id for spec in self.known_for(tool, task) if self.is_installed(spec.id)]

    def require(self, model_id: str) -> None:
        if not self.is_installed(model_id):
            raise ModelUnavailableError(
                msg("{model_id} is not installed.", model_id=model_id), code="model.missing"
            )

    def open(self, model_id: str, report: Report, *, scale: int | None = None) -> Model:
        self.opened.append(model_id)
        if model_id in FACE_SEARCH:
            return self._installed.open(model_id, report, scale=scale)
        if model_id not in self._networks:
            raise ModelUnavailableError(
                msg("{model_id} is not installed.", model_id=model_id), code="model.missing"
            )
        return self._networks[model_id]


def test_faceswap_by_mesh_says_which_settings_of_networks_changed_nothing(
    installed_models: ModelCache, portrait: Picture
) -> None:
    _, report = swap(
        installed_models, darker(portrait), portrait, pixel_boost_px=512, restore_blend=0.3
    )

    assert "Pixel boost 512 px changed nothing: the mesh swap has no such setting." in said(
        report.notes
    )
    assert "Restoration blend 0.3 changed nothing: no face restoration was chosen." in said(
        report.notes
    )


def test_faceswap_by_likeness_without_a_recogniser_says_what_to_pull(
    installed_models: ModelCache, portrait: Picture
) -> None:
    models = WithNetworks(installed_models, {})

    with pytest.raises(ModelUnavailableError, match="weights pull arcface-w600k-r50") as refusal:
        swap(models, portrait, portrait, reference=portrait, choice="likeness")
    assert "no commercial use (InsightFace" in str(refusal.value)


def test_faceswap_by_likeness_takes_whom_the_reference_shows(
    installed_models: ModelCache, portrait: Picture, tmp_path: Path
) -> None:
    contract = catalogue_contract("arcface-w600k-r50")
    recogniser = load(write_recogniser(tmp_path / "arcface.onnx"), contract)
    models = WithNetworks(installed_models, {"arcface-w600k-r50": recogniser})
    blue = Picture((portrait.pixels * np.array([0.3, 0.5, 1.0])).astype(np.uint8))

    _, report = swap(
        models,
        side_by_side(portrait, blue),
        portrait,
        reference=blue,
        choice="likeness",
        likeness=0.99,
    )

    assert [region.label for region in report.regions] == ["2"]


def tiny_swapper(folder: Path, model_id: str, gain: float = 0.5) -> dict[str, Model]:
    """A face swap network that adds the source's embedding, and what it needs."""
    contract = catalogue_contract(model_id)
    matrix = np.eye(512, dtype=np.float32) if "inswapper" in model_id else None
    size_px: int = contract.size_px  # type: ignore[union-attr]
    path = write_swapper(
        folder / "swap.onnx", size_px=size_px, has_mask="hyper" in model_id, matrix=matrix
    )
    fields = {"id": model_id, "tools": ("faceswap",), "task": "face-swap"}
    networks = {
        model_id: load(path, contract, **fields),
        "w600k-r50": load(
            write_recogniser(folder / "arcface.onnx", gain=gain), catalogue_contract("w600k-r50")
        ),
    }
    bridge = getattr(contract, "bridge", None)
    if bridge is not None:
        networks[bridge] = load(write_bridge(folder / "bridge.onnx"), catalogue_contract(bridge))
    return networks


@pytest.mark.parametrize(
    "model_id", ["inswapper-128", "hyperswap-1a-256", "ghost-1-256", "simswap-256"]
)
def test_faceswap_by_a_network_changes_the_face_and_nothing_far_from_it(
    installed_models: ModelCache, portrait: Picture, tmp_path: Path, model_id: str
) -> None:
    models = WithNetworks(installed_models, tiny_swapper(tmp_path, model_id))
    red = Picture((portrait.pixels * np.array([1.0, 0.9, 0.85])).astype(np.uint8))

    result, report = swap(models, portrait, red, model=model_id, pixel_boost_px=256)

    assert change_in(FACE, result.pixels, portrait.pixels) > 1
    outside = np.ones(portrait.pixels.shape[:2], bool)
    outside[10:230, 115:335] = False
    assert np.array_equal(result.pixels[outside], portrait.pixels[outside])
    assert [region.label for region in report.regions] == ["1"]


def test_faceswap_that_moves_the_landmarks_too_far_is_taken_back_and_refused(
    installed_models: ModelCache, portrait: Picture, tmp_path: Path
) -> None:
    """A network that paints the face black: no mesh finds its points again."""
    models = WithNetworks(installed_models, tiny_swapper(tmp_path, "ghost-1-256", gain=10))
    dark = darker(darker(portrait))

    with pytest.raises(UserInputError, match=r"% off, and 5.0% is allowed") as refusal:
        swap(models, portrait, dark, model="ghost-1-256")

    assert refusal.value.code == "faceswap.no_usable_face"


@pytest.mark.parametrize("occlusion", [True, False])
def test_faceswap_by_a_network_asks_xseg_for_what_covers_the_face_where_installed(
    installed_models: ModelCache, portrait: Picture, tmp_path: Path, *, occlusion: bool
) -> None:
    xseg = load(write_occluder(tmp_path / "xseg.onnx"), catalogue_contract("xseg-3"))
    networks = {**tiny_swapper(tmp_path, "simswap-256"), "xseg-3": xseg}
    models = WithNetworks(installed_models, networks)

    swap(models, portrait, model="simswap-256", occlusion=occlusion)

    assert ("xseg-3" in models.opened) == occlusion


def test_faceswap_by_a_network_without_xseg_keeps_what_stands_before_the_face(
    installed_models: ModelCache, portrait: Picture, tmp_path: Path
) -> None:
    covered, place = behind(astronaut(), "balloon")
    target = Picture(covered.pixels)
    models = WithNetworks(installed_models, tiny_swapper(tmp_path, "simswap-256"))

    kept, _ = swap(models, target, portrait, model="simswap-256")
    lost, _ = swap(models, target, portrait, model="simswap-256", occlusion=False)

    differences = [
        np.abs(one.pixels[place].astype(int) - target.pixels[place]).mean() for one in (kept, lost)
    ]
    assert differences[0] < 1
    assert differences[1] > 5


def test_faceswap_by_a_network_that_is_none_is_refused(
    installed_models: ModelCache, portrait: Picture
) -> None:
    with pytest.raises(UserInputError) as refusal:
        swap(installed_models, portrait, model="w600k-r50")

    assert refusal.value.code == "model.other_tool"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"model": "inswapper-128"}, "model.missing"),
        ({"restore_model": "gfpgan-1.4"}, "model.missing"),
        ({"restore_model": "nonsense"}, "model.unknown"),
        ({"restore_model": "inswapper-128"}, "model.other_tool"),
    ],
)
def test_faceswap_with_a_network_that_cannot_run_is_refused_before_faces_are_searched(
    installed_models: ModelCache, params: dict[str, str], code: str
) -> None:
    models = WithNetworks(installed_models, {})
    with pytest.raises(StudioError) as refusal:
        swap(models, blank(), **params)
    assert refusal.value.code == code
    assert models.opened == []


def test_faceswap_with_restoration_finishes_the_swapped_face_alone(
    installed_models: ModelCache, portrait: Picture, tmp_path: Path
) -> None:
    restorer = load(
        write_restorer(tmp_path / "net.onnx"),
        catalogue_contract("gfpgan-1.4"),
        id="gfpgan-1.4",
        tools=("faceswap", "upscale"),
        task="face-restoration",
    )
    models = WithNetworks(installed_models, {"gfpgan-1.4": restorer})
    plain, _ = swap(models, portrait)

    half, _ = swap(models, portrait, restore_model="gfpgan-1.4", restore_blend=0.5)
    none, _ = swap(models, portrait, restore_model="gfpgan-1.4", restore_blend=0.0)

    nose = (slice(110, 120), slice(220, 230))
    assert change_in(nose, half.pixels, np.full_like(half.pixels, 127)) < 3, "half the negative"
    assert np.array_equal(none.pixels, plain.pixels)
    assert np.array_equal(half.pixels[300:], plain.pixels[300:])
