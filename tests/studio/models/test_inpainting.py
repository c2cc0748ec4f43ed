from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from skimage import data

from studio.errors import JobCancelledError, ModelUnavailableError, RetriableError
from studio.models.cache import Model
from studio.models.catalogue import load_catalogue
from studio.models.contracts import InpaintContract, SuperresContract
from studio.models.guard import require_contract
from studio.models.inpainting import repaint, working_size
from studio.models.runtimes import load_runtime
from studio.settings import Settings
from tests.studio.models.inpainting_networks import MIGAN, SIDE_PX, WRITERS, mean_paint
from tests.studio.models.networks import FakeRuntime, model_of

CPU = Settings(device="cpu", threads=1)
pytestmark = [pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning"), pytest.mark.slow]
SPECS = {spec.id: spec for spec in (*load_catalogue().for_tool("inpaint", "inpainting"), MIGAN)}
CONTRACTS = {
    model_id: spec.contract
    for model_id, spec in SPECS.items()
    if isinstance(spec.contract, InpaintContract)
}
SIZES = [(512, 512), (96, 64), (101, 61), (9, 200)]
"""Width and height, no larger than any of the networks takes."""

Array = np.ndarray[Any, Any]


def photo(width_px: int, height_px: int) -> Array:
    whole = np.tile(data.astronaut(), (6, 6, 1))
    return np.ascontiguousarray(whole[:height_px, :width_px])


def round_hole(width_px: int, height_px: int) -> Array:
    hole = np.zeros((height_px, width_px), np.uint8)
    radius_px = max(min(width_px, height_px) // 4, 1)
    return np.asarray(cv2.circle(hole, (width_px // 2, height_px // 2), radius_px, 255, -1))


class TwoInputs(FakeRuntime):
    """Answers by a function of picture and mask, and keeps both."""

    input_names = ("image", "mask")

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        self.fed = dict(inputs)
        return [self._answer(*inputs.values())]


def fake(answer: Any = lambda image, *mask: image, **contract: Any) -> Model:
    return model_of(TwoInputs(answer), InpaintContract(**contract))


def fed_by(model: Model) -> dict[str, Array]:
    assert isinstance(model.runtime, TwoInputs)
    return model.runtime.fed


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """A tiny network for each way of calling one, opened as the entry says."""
    folder, models = tmp_path_factory.mktemp("networks"), {}
    for model_id, write in WRITERS.items():
        spec = SPECS[model_id]
        file = spec.served_files[0]
        path = write(folder / f"{model_id}-{file.name}")
        models[model_id] = Model(spec, file, load_runtime(path, spec, file, CPU))
    return models


def test_every_inpainting_entry_of_the_catalogue_is_proven_here() -> None:
    assert set(CONTRACTS) == set(WRITERS)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model_id", WRITERS)
def test_repaint_by_the_true_signature_fills_the_hole_and_nothing_else(
    networks: dict[str, Model], model_id: str, size: tuple[int, int]
) -> None:
    pixels, hole = photo(*size), round_hole(*size)
    padded, holes = shown_to(CONTRACTS[model_id], pixels, hole)

    filled = repaint(networks[model_id], pixels, hole)

    assert filled.dtype == np.uint8
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])
    # Half a level of rounding, and a whole one where the graph cuts its answer off.
    assert np.abs(filled[hole > 0] - mean_paint(padded, holes)).max() <= 1


def shown_to(contract: InpaintContract, pixels: Array, hole: Array) -> tuple[Array, Array]:
    """Picture and mask mirrored at the right and at the bottom by NumPy, the mask grown before."""
    side_px = 2 * contract.rim_px + 1
    grown = cv2.dilate(hole, np.ones((side_px, side_px), np.uint8))
    least_px = contract.size_px or contract.least_side_px
    sides_px = [max(side, least_px) for side in hole.shape]
    missing = [
        (0, side_px + -side_px % contract.multiple - side)
        for side_px, side in zip(sides_px, hole.shape, strict=True)
    ]
    return np.pad(pixels, [*missing, (0, 0)], "symmetric"), np.pad(grown, missing, "symmetric")


@pytest.mark.parametrize("size", [(640, 480), (1300, 40), (700, 1100)])
@pytest.mark.parametrize("model_id", WRITERS)
def test_repaint_never_lets_the_old_content_of_the_hole_show(
    networks: dict[str, Model], model_id: str, size: tuple[int, int]
) -> None:
    """Also where the picture is shrunk, which mixes the hole with what is round it."""
    pixels, hole = photo(*size), round_hole(*size)
    other = pixels.copy()
    other[hole > 0] = (255, 0, 255)

    filled = repaint(networks[model_id], pixels, hole)

    assert np.array_equal(repaint(networks[model_id], other, hole), filled)
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])


@pytest.mark.parametrize("width_px", [1, 2, 5])
def test_repaint_with_the_pipeline_of_migan_fills_thin_scratches(
    networks: dict[str, Model], width_px: int
) -> None:
    """Its graph narrows the hole it is given by three pixels a side, so it is given a wider one."""
    pixels = np.full((80, 90, 3), 200, np.uint8)
    hole = np.zeros((80, 90), np.uint8)
    hole[20:60, 40 : 40 + width_px] = 255
    pixels[hole > 0] = 0
    filled = repaint(networks["migan-pipeline"], pixels, hole)
    assert np.abs(filled[hole > 0] - np.array([200.0, 100, 50])).max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    model_id=st.sampled_from(sorted(CONTRACTS)),
    width=st.integers(1, 600),
    height=st.integers(1, 600),
    seed=st.integers(0, 9),
)
def test_repaint_keeps_the_contract_at_every_size(
    model_id: str, width: int, height: int, seed: int
) -> None:
    contract = CONTRACTS[model_id]
    model = Model(
        SPECS[model_id],
        SPECS[model_id].served_files[0],
        TwoInputs(lambda image, *mask: np.zeros_like(image[:, -3:])),
    )
    pixels = photo(width, height)
    hole = np.random.default_rng(seed).choice([0, 1, 255], (height, width)).astype(np.uint8)

    filled = repaint(model, pixels, hole)

    assert filled.dtype == np.uint8
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])
    for fed in fed_by(model).values() if hole.any() else ():
        sides = fed.shape[2:]
        if contract.size_px:
            assert sides == (contract.size_px, contract.size_px)
        assert all(side % contract.multiple == 0 for side in sides)
        assert all(side >= contract.least_side_px for side in sides)


@pytest.mark.parametrize(
    ("contract", "image", "mask"),
    [
        ({}, (0.0, 0.2, 1.0), (1, 0, "float32")),
        ({"colour": "bgr"}, (1.0, 0.2, 0.0), (1, 0, "float32")),
        ({"mask_dtype": "int64"}, (0.0, 0.2, 1.0), (1, 0, "int64")),
        (
            {"divide_by": 127.5, "mean": (1, 1, 1), "hole_value": 0, "kept_value": 1},
            (-1.0, -0.6, 1.0),
            (0, 1, "float32"),
        ),
        (
            {"dtype": "uint8", "mask_dtype": "uint8", "hole_value": 0, "kept_value": 255},
            (0, 51, 255),
            (0, 255, "uint8"),
        ),
    ],
)
def test_repaint_feeds_what_the_contract_says(
    contract: dict[str, Any], image: tuple[float, ...], mask: tuple[float, float, str]
) -> None:
    model = fake(**contract)
    repaint(model, np.array([[[0, 51, 255]] * 2], np.uint8), np.array([[1, 0]], np.uint8))
    fed_image, fed_mask = fed_by(model).values()
    assert fed_image.shape == (1, 3, 1, 2)
    assert fed_image.dtype == contract.get("dtype", "float32")
    assert fed_image[0, :, 0, 0] == pytest.approx(image, abs=1e-6)
    assert fed_mask.shape == (1, 1, 1, 2)
    assert (*fed_mask[0, 0, 0], fed_mask.dtype) == mask


def test_repaint_feeds_a_stacked_network_nothing_of_the_hole() -> None:
    model = fake(lambda stack: stack[:, 1:], **CONTRACTS["migan"].model_dump())
    pixels, hole = photo(512, 512), round_hole(512, 512)
    repaint(model, pixels, hole)
    (stack,) = fed_by(model).values()
    assert stack.shape == (1, 4, 512, 512)
    assert stack.dtype == np.float32
    assert np.array_equal(stack[0, 0], np.where(hole > 0, np.float32(-0.5), np.float32(0.5)))
    assert np.all(stack[0, 1:, hole > 0] == 0)
    shown = stack[0, 1:, hole == 0]
    assert np.allclose(shown, pixels[hole == 0] / 127.5 - 1, atol=1e-6)


def test_repaint_takes_inputs_by_name_in_whatever_order_the_graph_lists_them() -> None:
    model = fake(lambda mask, image: image, image_name="mask", mask_name="image", size_px=8)
    model.runtime.run = lambda inputs: [inputs["mask"]]  # type: ignore[method-assign]
    pixels = photo(8, 8)
    assert np.array_equal(repaint(model, pixels, round_hole(8, 8)), pixels)


def test_repaint_of_a_larger_crop_shows_it_whole_in_its_proportions() -> None:
    paint = np.array([10, 20, 30], np.float32).reshape(1, 3, 1, 1) / 255
    model = fake(lambda image, mask: np.broadcast_to(paint, image.shape), size_px=SIDE_PX)
    pixels, hole = photo(1024, 600), round_hole(1024, 600)

    filled = repaint(model, pixels, hole)

    small = cv2.resize(pixels, (512, 300), interpolation=cv2.INTER_AREA)
    mirrored = np.pad(small, [(0, 212), (0, 0), (0, 0)], "symmetric")
    image, mask = fed_by(model).values()
    assert np.allclose(image[0].transpose(1, 2, 0) * 255, mirrored, atol=1e-4)
    assert np.all(mask[0, 0, :300].repeat(2, 0).repeat(2, 1)[hole > 0] == 1)
    inside = cv2.erode(hole, np.ones((9, 9), np.uint8)) > 0
    assert np.all(filled[inside] == (10, 20, 30))
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])


def test_repaint_of_a_larger_crop_joins_the_picture_without_a_seam() -> None:
    """What is enlarged beside the hole is the picture, not the network's rendering of it."""
    grey = np.full((900, 900, 3), 120, np.uint8)
    answer = np.where(np.arange(512) < 200, np.float32(0), np.float32(120 / 255))
    model = fake(lambda image, mask: np.broadcast_to(answer, image.shape), size_px=SIDE_PX)
    hole = np.zeros((900, 900), np.uint8)
    hole[400:500, 352:600] = 255  # begins where the network's answer has just turned grey
    assert np.all(repaint(model, grey, hole) == 120)


def test_repaint_without_a_hole_runs_nothing() -> None:
    model = model_of(FakeRuntime(), InpaintContract())
    pixels = photo(20, 10)
    filled = repaint(model, pixels, np.zeros((10, 20), np.uint8))
    assert np.array_equal(filled, pixels)
    assert filled is not pixels


def test_repaint_where_all_is_hole_takes_all_from_the_network() -> None:
    model = fake(lambda image, mask: np.full_like(image, 2.0), multiple=8)
    filled = repaint(model, photo(13, 9), np.full((9, 13), 255, np.uint8))
    assert filled.shape == (9, 13, 3)
    assert np.all(filled == 255)


def test_repaint_without_memory_can_be_tried_later() -> None:
    def starve(*fed: Any) -> Any:
        raise MemoryError

    with pytest.raises(RetriableError, match="filling with Tiny net") as error:
        repaint(fake(starve), photo(8, 8), round_hole(8, 8))
    assert error.value.code == "memory.exhausted"


def test_repaint_that_is_interrupted_is_cancelled() -> None:
    def stop(*fed: Any) -> Any:
        raise JobCancelledError

    with pytest.raises(JobCancelledError):
        repaint(fake(stop), photo(8, 8), round_hole(8, 8))


@pytest.mark.parametrize(
    ("contract", "size", "expected"),
    [
        ({"size_px": 512}, (2048, 1024), (512, 256)),
        ({"size_px": 512}, (300, 512), (300, 512)),
        ({"size_px": 512}, (5000, 3), (512, 1)),
        ({"multiple": 8}, (900, 700), (900, 700)),
        ({"bytes_per_px": 1 << 21}, (400, 100), (60, 15)),
    ],
)
def test_working_size_is_what_the_network_and_memory_ask_for(
    contract: dict[str, Any], size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert working_size(InpaintContract(**contract), *size) == expected


def test_inpaint_contract_of_another_kind_of_model_is_refused() -> None:
    spec = model_of(FakeRuntime(), SuperresContract(overlap_px=1)).spec
    with pytest.raises(ModelUnavailableError, match="not described as an inpainting") as error:
        require_contract(spec, InpaintContract)
    assert error.value.code == "model.unsupported"


@pytest.mark.parametrize("extra", [{"multiple": 8}, {"least_side_px": 512}])
def test_inpaint_contract_of_one_size_has_no_second_rule(extra: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="size_px leaves nothing"):
        InpaintContract(size_px=512, **extra)
