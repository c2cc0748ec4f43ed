"""The face swap as a tool, with the face search's real networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.sample import sample_picture
from studio.errors import ModelUnavailableError, StudioError, UserInputError
from studio.imaging.decode import Limits, decode
from studio.imaging.grey import is_grey, without_colour
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.models.cache import Model, ModelCache
from studio.models.catalogue import ModelSpec, Task
from studio.params import FaceswapParams
from studio.report import Report
from studio.settings import Settings
from studio.tools.faceswap import run
from studio.tools.spec import ToolInputs
from tests.studio.models.face_networks import (
    catalogue_contract,
    load,
    write_bridge,
    write_occluder,
    write_recogniser,
    write_restorer,
    write_swapper,
)

FACE_SEARCH = ("blazeface-short", "blazeface-full", "facemesh", "iris-landmark")
pytestmark = [
    pytest.mark.weights(*FACE_SEARCH),
    pytest.mark.usefixtures("need_weights"),
]
FACE = (slice(60, 180), slice(165, 285))


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
            raise ModelUnavailableError(f"{model_id} is not installed.", code="model.missing")

    def open(self, model_id: str, report: Report, *, scale: int | None = None) -> Model:
        self.opened.append(model_id)
        if model_id in FACE_SEARCH:
            return self._installed.open(model_id, report, scale=scale)
        if model_id not in self._networks:
            raise ModelUnavailableError(f"{model_id} is not installed.", code="model.missing")
        return self._networks[model_id]


@pytest.fixture(scope="module")
def portrait() -> Picture:
    name, data = sample_picture()
    return decode(data, file_name=name, limits=Limits.from_settings(Settings()))


def swap(
    models: Any,
    image: Picture,
    *sources: Picture,
    reference: Picture | None = None,
    **params: Any,
) -> tuple[Picture, Report]:
    report = Report()
    roles = {"image": [image], "source": list(sources or [image])}
    if reference is not None:
        roles["reference"] = [reference]
    [output] = run(ToolInputs(roles), FaceswapParams.model_validate(params), models, report)
    assert output.role == "image"
    return output.picture, report


def side_by_side(*pictures: Picture) -> Picture:
    return Picture(np.ascontiguousarray(np.hstack([one.pixels for one in pictures])))


def darker(picture: Picture) -> Picture:
    return Picture((picture.pixels * np.array([0.6, 0.5, 0.45])).astype(np.uint8))


def blank(height: int = 300, width: int = 400) -> Picture:
    return Picture(np.full((height, width, 3), 90, np.uint8))


def change_in(part: tuple[slice, slice], one: Pixels, other: Pixels) -> float:
    return float(np.abs(one[part].astype(int) - other[part]).mean())


def test_faceswap_swaps_the_face_and_says_how_far_it_is_off(
    installed_models: ModelCache, portrait: Picture
) -> None:
    target = darker(portrait)

    result, report = swap(installed_models, target, portrait)

    assert change_in(FACE, result.pixels, target.pixels) > 0.5
    outside = np.ones(target.pixels.shape[:2], bool)
    outside[40:200, 140:310] = False
    assert np.array_equal(result.pixels[outside], target.pixels[outside])
    [region] = report.regions
    assert region.label == "1"
    assert region.text.startswith("swapped, ")
    assert region.text.endswith(" % off")
    assert not region.is_fault
    assert {use.id for use in report.weights} >= {"blazeface-short", "facemesh"}


def test_faceswap_of_two_faces_by_table_leaves_the_other_alone(
    installed_models: ModelCache, portrait: Picture
) -> None:
    target = side_by_side(portrait, darker(portrait))

    result, report = swap(installed_models, target, portrait, faces=[None, 1])

    assert np.array_equal(result.pixels[:, :512], portrait.pixels)
    assert not np.array_equal(result.pixels, target.pixels)
    assert [region.label for region in report.regions] == ["2"]
    assert report.notes == [
        "Not chosen, and left as it was: face 1.",
        "Face 2 keeps its mouth (it is open).",
    ]


def test_faceswap_keeps_the_alpha_and_the_size(
    installed_models: ModelCache, portrait: Picture
) -> None:
    alpha = np.full(portrait.pixels.shape[:2], 200, np.uint8)

    result, _ = swap(installed_models, portrait.with_pixels(portrait.pixels, alpha), portrait)

    assert result.alpha is not None
    assert np.array_equal(result.alpha, alpha)
    assert result.pixels.shape == portrait.pixels.shape


def test_faceswap_with_several_faces_in_a_source_takes_the_largest_and_says_so(
    installed_models: ModelCache, portrait: Picture
) -> None:
    small = Picture(np.full_like(portrait.pixels, 128))
    small.pixels[:256, :256] = resample(portrait.pixels, 256, 256)

    _, report = swap(installed_models, portrait, side_by_side(small, portrait))

    assert "Source 1 shows 2 faces; the largest was used." in report.notes


def test_faceswap_of_a_grey_photograph_by_a_coloured_face_stays_grey(
    installed_models: ModelCache, portrait: Picture
) -> None:
    grey = Picture(without_colour(darker(portrait).pixels))

    result, report = swap(installed_models, grey, portrait)

    assert is_grey(result.pixels)
    assert not np.array_equal(result.pixels, grey.pixels)
    assert [region.is_fault for region in report.regions] == [False]


def test_faceswap_leaves_a_tiny_face_and_swaps_the_other(
    installed_models: ModelCache, portrait: Picture
) -> None:
    small = Picture(np.full_like(portrait.pixels, 128))
    small.pixels[:150, :150] = resample(portrait.pixels, 150, 150)
    target = side_by_side(small, portrait)

    result, report = swap(installed_models, target, portrait, choice="all")

    assert np.array_equal(result.pixels[:, :512], target.pixels[:, :512])
    assert [region.is_fault for region in report.regions] == [True, False]
    [kept, left] = report.notes
    assert kept == "Face 2 keeps its mouth (it is open)."
    assert left.startswith("Face 1 was left as it was: too small")


def test_faceswap_with_no_usable_face_refuses_and_shows_them(
    installed_models: ModelCache, portrait: Picture
) -> None:
    target = Picture(np.full((300, 300, 3), 128, np.uint8))
    target.pixels[:150, :150] = resample(portrait.pixels, 150, 150)

    with pytest.raises(UserInputError, match="Face 1: too small") as refusal:
        swap(installed_models, target, portrait)

    assert refusal.value.code == "faceswap.no_usable_face"
    [region] = refusal.value.regions
    assert region.is_fault
    assert 0.1 < region.left < 0.3


@pytest.mark.parametrize(
    ("role", "code"), [("image", "faceswap.no_face"), ("source", "faceswap.no_source_face")]
)
def test_faceswap_without_a_face_is_refused(
    installed_models: ModelCache, portrait: Picture, role: str, code: str
) -> None:
    image, source = (blank(), portrait) if role == "image" else (portrait, blank())

    with pytest.raises(UserInputError) as refusal:
        swap(installed_models, image, portrait, source)

    assert refusal.value.code == code
    if role == "source":
        assert "source 2" in refusal.value.message


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (17, 3000), (3000, 17), (64, 64)], ids=lambda size: f"{size}"
)
def test_faceswap_of_any_size_without_a_face_refuses_cleanly(
    installed_models: ModelCache, portrait: Picture, size: tuple[int, int]
) -> None:
    with pytest.raises(UserInputError) as refusal:
        swap(installed_models, blank(*size), portrait)

    assert refusal.value.code == "faceswap.no_face"


def test_faceswap_by_likeness_without_a_recogniser_says_what_to_pull(
    installed_models: ModelCache, portrait: Picture
) -> None:
    models = WithNetworks(installed_models, {})

    with pytest.raises(ModelUnavailableError, match="weights pull arcface-w600k-r50") as refusal:
        swap(models, portrait, portrait, reference=portrait, choice="likeness")
    assert "no commercial use (InsightFace" in refusal.value.message


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

    with pytest.raises(UserInputError, match=r"% off, and 5.0 % is allowed") as refusal:
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
        ({"enhancer": "gfpgan-1.4"}, "model.missing"),
        ({"enhancer": "nonsense"}, "model.unknown"),
        ({"enhancer": "inswapper-128"}, "model.other_tool"),
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


def test_faceswap_with_an_enhancer_finishes_the_swapped_face_alone(
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

    half, _ = swap(models, portrait, enhancer="gfpgan-1.4", enhancer_blend=0.5)
    none, _ = swap(models, portrait, enhancer="gfpgan-1.4", enhancer_blend=0.0)

    nose = (slice(110, 120), slice(220, 230))
    assert change_in(nose, half.pixels, np.full_like(half.pixels, 127)) < 3, "half the negative"
    assert np.array_equal(none.pixels, plain.pixels)
    assert np.array_equal(half.pixels[300:], plain.pixels[300:])
