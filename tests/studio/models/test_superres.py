from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from studio.errors import JobCancelledError, ModelUnavailableError, RetriableError
from studio.imaging.grey import is_grey, without_colour
from studio.models.cache import Model
from studio.models.catalogue import load_catalogue
from studio.models.contracts import OpencvSuperresContract, SuperresContract
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.superres import enlarge, pick_scale, tile_area
from studio.models.tiling import TILE_BUDGET_BYTES
from studio.report import Report, Stage
from studio.settings import Settings
from tests.studio.models.networks import FakeRuntime, model_of, plain_matting, write_enlarger
from tests.words import said

pytestmark = pytest.mark.slow

CPU = Settings(device="cpu", threads=2)


def double(planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return planes.repeat(2, axis=2).repeat(2, axis=3)


def photo(width_px: int = 150, height_px: int = 110) -> np.ndarray[Any, Any]:
    crop: np.ndarray[Any, Any] = data.astronaut()[60 : 60 + height_px, 150 : 150 + width_px]
    return np.ascontiguousarray(crop)


def fake_model(answer: Any = double, **contract: Any) -> Model:
    return model_of(FakeRuntime(answer), SuperresContract(**{"overlap_px": 4, **contract}))


def inner_difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> int:
    """Largest difference outside 2 px of the border."""
    return int(np.abs(one.astype(int) - other.astype(int))[2:-2, 2:-2].max())


def test_enlarge_gives_back_the_levels_the_network_answers() -> None:
    pixels = photo()
    assert np.array_equal(
        enlarge(fake_model(), pixels, Report()), pixels.repeat(2, axis=0).repeat(2, axis=1)
    )


def test_enlarge_clips_and_rounds_what_overshoots() -> None:
    answer = np.array([-0.3, 0.501, 1.2, 0.5], np.float32).reshape(1, 1, 2, 2).repeat(3, axis=1)
    model = fake_model(lambda planes: np.tile(answer, (1, 1, *planes.shape[2:])))
    enlarged = enlarge(model, photo(), Report())
    assert enlarged[:2, :2, 0].tolist() == [[0, 128], [255, 128]]


def tint(planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Twice as large, and redder than it was."""
    return double(planes) + np.array([0.2, 0, -0.1], np.float32).reshape(1, 3, 1, 1)


@pytest.mark.parametrize("scale", [2, 1])
def test_enlarge_a_grey_picture_stays_grey_whatever_the_network_answers(scale: int) -> None:
    grey = without_colour(photo())

    enlarged = enlarge(fake_model(tint), grey, Report(), scale=scale, tile_area_px=64 * 64)

    assert is_grey(enlarged)
    luma_gain = 0.299 * 0.2 * 255 - 0.114 * 0.1 * 255
    assert enlarged.mean() == pytest.approx(grey.mean() + luma_gain, abs=3)


def test_enlarge_a_picture_with_one_coloured_pixel_keeps_the_colours_of_the_network() -> None:
    pixels = without_colour(photo())
    pixels[0, 0] = (200, 100, 50)

    enlarged = enlarge(fake_model(tint), pixels, Report(), tile_area_px=64 * 64)

    assert not is_grey(enlarged[20:, 20:])


def test_enlarge_in_tiles_shows_no_seam(tmp_path: Path) -> None:
    runtime = OnnxRuntime(write_enlarger(tmp_path / "net.onnx", layers=4), CPU)
    model, pixels = model_of(runtime, SuperresContract(overlap_px=4)), photo()
    whole = enlarge(model, pixels, Report())
    tiled = enlarge(model, pixels, Report(), tile_area_px=40 * 40)
    assert whole.std() > 10
    assert inner_difference(whole, tiled) <= 1


def test_enlarge_with_too_little_overlap_would_show_a_seam(tmp_path: Path) -> None:
    runtime = OnnxRuntime(write_enlarger(tmp_path / "net.onnx", layers=4), CPU)
    model, pixels = model_of(runtime, SuperresContract(overlap_px=1)), photo()
    whole = enlarge(model, pixels, Report())
    tiled = enlarge(model, pixels, Report(), tile_area_px=40 * 40)
    assert inner_difference(whole, tiled) > 1


def test_enlarge_without_memory_takes_smaller_tiles_and_says_so() -> None:
    def starve_above_4900_px(planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if planes.shape[2] * planes.shape[3] > 70 * 70:
            raise MemoryError
        return double(planes)

    report, pixels = Report(), photo()
    enlarged = enlarge(fake_model(starve_above_4900_px), pixels, report, tile_area_px=256 * 256)
    assert np.array_equal(enlarged, pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert said(report.notes) == [
        "Memory ran out; smaller tiles were used, 58 × 118 px.",
        "Memory ran out; smaller tiles were used, 46 × 63 px.",
    ]


def test_enlarge_where_no_tile_fits_can_be_tried_later() -> None:
    def starve(planes: Any) -> Any:
        raise MemoryError

    model = fake_model(starve)
    with pytest.raises(RetriableError) as error:
        enlarge(model, photo(), Report(), tile_area_px=1024 * 1024)
    assert error.value.code == "memory.exhausted"
    assert isinstance(model.runtime, FakeRuntime)
    assert min(call.shape[3] for call in model.runtime.calls) >= 40


def test_enlarge_passes_other_errors_on() -> None:
    def fail(planes: Any) -> Any:
        raise RuntimeError("the network is broken")

    with pytest.raises(RuntimeError, match="broken"):
        enlarge(fake_model(fail), photo(), Report())


def test_enlarge_tells_progress_and_stops_between_tiles() -> None:
    told: list[float] = []

    def sink(fraction: float, stage: Stage) -> None:
        told.append(fraction)
        if fraction > 0.4:
            raise JobCancelledError

    model = fake_model()
    with pytest.raises(JobCancelledError):
        enlarge(model, photo(), Report(sink), tile_area_px=64 * 64)
    assert told == sorted(told)
    assert isinstance(model.runtime, FakeRuntime)
    assert len(model.runtime.calls) == len(told) > 1


def darken_the_rim(planes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """As networks do that take what lies beyond a picture for black."""
    darkened = double(planes)
    for rim in np.s_[:, :, :6], np.s_[:, :, -6:], np.s_[:, :, :, :6], np.s_[:, :, :, -6:]:
        darkened[rim] *= 0.8
    return darkened


def test_enlarge_leaves_no_trace_of_what_lies_beyond_the_picture() -> None:
    pixels = photo()
    enlarged = enlarge(fake_model(darken_the_rim), pixels, Report())
    assert np.array_equal(enlarged, pixels.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("size", [(33, 21), (32, 24), (1, 1)])
def test_enlarge_pads_to_the_multiple_and_crops_again(size: tuple[int, int]) -> None:
    model, pixels = fake_model(multiple=8), photo(*size)
    enlarged = enlarge(model, pixels, Report())
    assert np.array_equal(enlarged, pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert isinstance(model.runtime, FakeRuntime)
    assert all(side % 8 == 0 for side in model.runtime.calls[0].shape[2:])


def test_enlarge_with_another_kind_of_model_is_a_mistake() -> None:
    with pytest.raises(ModelUnavailableError, match="not described as a super-resolution network"):
        enlarge(model_of(FakeRuntime(), plain_matting()), photo(), Report())


@pytest.mark.parametrize(
    ("scales", "ratio", "expected"),
    [
        ((2, 3, 4), 2, 2),
        ((2, 3, 4), 2.01, 3),
        ((2, 3, 4), 1.1, 2),
        ((4,), 2, 4),
        ((2,), 3, 2),
        ((2, 3, 4), 7.5, 4),
    ],
)
def test_pick_scale_takes_the_smallest_that_reaches(
    scales: tuple[int, ...], ratio: float, expected: int
) -> None:
    assert pick_scale(scales, ratio) == expected


def test_tile_area_keeps_every_network_within_the_budget() -> None:
    for spec in load_catalogue().for_tool("upscale"):
        contract = spec.contract
        if isinstance(contract, SuperresContract | OpencvSuperresContract):
            area_px = tile_area(contract)
            assert area_px * contract.bytes_per_px <= TILE_BUDGET_BYTES
            assert area_px > (2 * contract.overlap_px + 32) ** 2


MEASURE = """
import sys
from pathlib import Path
import numpy as np, psutil
from studio.models.contracts import SuperresContract
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.superres import enlarge
from studio.report import Report
from studio.settings import Settings
from studio.tools.memory import PeakMemory
from tests.studio.models.networks import model_of

runtime = OnnxRuntime(Path(sys.argv[1]), Settings(device="cpu", threads=1))
model = model_of(runtime, SuperresContract(overlap_px=4))
small = np.zeros((16, 16, 3), np.uint8)
enlarge(model, small, Report())
idle = psutil.Process().memory_info().rss
pixels = np.zeros((1500, 2000, 3), np.uint8)
peak = PeakMemory.start()
enlarge(model, pixels, Report())
print(peak.peak_bytes() - idle)
"""


def test_enlarge_of_a_large_picture_holds_a_tile_and_the_result(tmp_path: Path) -> None:
    path = write_enlarger(tmp_path / "net.onnx")
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    picture_and_result_bytes = 2000 * 1500 * 3 * (1 + 4)
    whole_at_once_bytes = 2000 * 1500 * 12 * 4 * 2
    assert int(result.stdout) < picture_and_result_bytes + whole_at_once_bytes // 4
