from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.errors import ModelUnavailableError
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.contracts import OpencvSuperresContract
from studio.models.opencv_superres import OpencvSuperres
from studio.models.superres import enlarge
from studio.report import Report
from studio.settings import Settings
from tests.studio.models.networks import model_of
from tests.studio.models.tensorflow_graphs import write_edsr, write_espcn, write_lapsrn
from tests.studio.models.weight_factories import make_file, make_model, make_store

pytestmark = pytest.mark.slow

SAMPLES_ENV = "STUDIO_TEST_SAMPLES"
"""Folder with photos/butterfly.png and weights/*.pb."""
CPU = Settings(threads=1)
LUMA = OpencvSuperresContract(channels="y", overlap_px=12)
EDSR_MEAN = (103.1545782, 111.561547, 114.35629928)
EDSR = OpencvSuperresContract(channels="bgr", mean=EDSR_MEAN, overlap_px=12)


def colours(width_px: int = 20, height_px: int = 14) -> np.ndarray[Any, Any]:
    chance = np.random.default_rng(3)
    return chance.integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)


def by_opencv(path: Path, algorithm: str, scale: int, rgb: np.ndarray[Any, Any]) -> Any:
    """What OpenCV's own ``dnn_superres`` makes of a picture."""
    reference = cv2.dnn_superres.DnnSuperResImpl.create()
    reference.readModel(str(path))
    reference.setModel(algorithm, scale)
    return reference.upsample(np.ascontiguousarray(rgb[:, :, ::-1]))[:, :, ::-1]


def by_luma(network: Any, rgb: np.ndarray[Any, Any], scale: int) -> np.ndarray[Any, Any]:
    """The published contract of ESPCN, FSRCNN and LapSRN around ``network(y in 0..1)``."""
    ycrcb = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.float32) / 255
    luma, *chroma = cv2.split(ycrcb)
    chroma = [cv2.resize(plane, None, fx=scale, fy=scale) for plane in chroma]
    merged = cv2.merge([network(luma), *chroma]) * 255
    return cv2.cvtColor(np.clip(np.rint(merged), 0, 255).astype(np.uint8), cv2.COLOR_YCrCb2RGB)


def test_run_of_a_luma_graph_keeps_the_published_contract(tmp_path: Path) -> None:
    path = write_espcn(tmp_path / "net.pb", gain=0.5)
    runtime = OpencvSuperres(path, CPU, LUMA)
    rgb = colours()
    expected = by_luma(lambda y: y.repeat(2, axis=0).repeat(2, axis=1) * 0.5, rgb, 2)
    (found,) = runtime.run({"pixels": rgb})
    difference = np.abs(found.astype(int) - expected)
    assert found.shape == (28, 40, 3)
    # Rounding a chroma level the other way moves a colour by up to two and a half.
    assert difference.max() <= 3
    assert difference.mean() < 0.1
    assert np.array_equal(found, by_opencv(path, "espcn", 2, rgb))


def test_run_of_edsr_sees_bgr_without_its_mean(tmp_path: Path) -> None:
    path = write_edsr(tmp_path / "net.pb", gains=(0.0, 0.5, 1.0))
    runtime = OpencvSuperres(path, CPU, EDSR)
    rgb = colours()
    bgr = rgb[:, :, ::-1].repeat(2, axis=0).repeat(2, axis=1)
    expected = (bgr - EDSR_MEAN) * (0.0, 0.5, 1.0) + EDSR_MEAN
    (found,) = runtime.run({"pixels": rgb})
    assert np.abs(found[:, :, ::-1] - expected).max() <= 0.51
    assert np.array_equal(found, by_opencv(path, "edsr", 2, rgb))


@pytest.mark.parametrize("is_largest_last", [False, True])
@pytest.mark.parametrize(
    ("model_id", "gains"),
    [("lapsrn-x2", (0.9,)), ("lapsrn-x4", (0.5, 1.6)), ("lapsrn-x8", (0.5, 1.6, 1.1))],
)
def test_open_of_a_graph_with_several_ends_serves_each_scale(
    tmp_path: Path, model_id: str, gains: tuple[float, ...], *, is_largest_last: bool
) -> None:
    """LapSRN keeps an end for each size on the way; their order in the file must not matter."""
    spec = load_catalogue().get(model_id)
    assert spec.scales == tuple(2 ** (level + 1) for level in range(len(gains)))
    path = write_lapsrn(tmp_path / "net.pb", gains=gains, is_largest_last=is_largest_last)
    outputs = spec.files[0].outputs
    file = make_file("net.pb", path.read_bytes()).model_copy(
        update={"scale": spec.files[0].scale, "outputs": outputs}
    )
    own = make_model(file, contract=spec.contract, format=spec.format)
    store = make_store(tmp_path / "weights", own)
    store.import_file(path)
    models, rgb = ModelCache(store, CPU), np.full((6, 8, 3), 120, np.uint8)

    for level, scale in enumerate(spec.scales):
        found = enlarge(models.open(own.id, Report(), scale=scale), rgb, Report())

        assert found.shape == (6 * scale, 8 * scale, 3)
        assert np.abs(found - 120 * float(np.prod(gains[: level + 1]))).max() <= 1


def test_a_graph_without_the_end_asked_for_is_refused_by_name(tmp_path: Path) -> None:
    path = write_espcn(tmp_path / "net.pb", gain=1)
    with pytest.raises(ModelUnavailableError, match=r"net\.pb") as refusal:
        OpencvSuperres(path, CPU, LUMA, output="NCHW_output_2x")
    assert refusal.value.code == "model.unreadable"


def test_run_twice_on_other_sizes_gives_the_same(tmp_path: Path) -> None:
    path = write_espcn(tmp_path / "net.pb", gain=0.9)
    runtime = OpencvSuperres(path, CPU, LUMA)
    (first,) = runtime.run({"pixels": colours()})
    runtime.run({"pixels": colours(7, 31)})
    (again,) = runtime.run({"pixels": colours()})
    assert np.array_equal(first, again)


def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.pb"
    path.write_text("not a graph", encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"net\.pb") as refusal:
        OpencvSuperres(path, CPU, LUMA)
    assert refusal.value.code == "model.unreadable"


@pytest.mark.weights
@pytest.mark.parametrize(
    ("algorithm", "scale", "overlap_px"), [("espcn", 2, 4), ("fsrcnn", 3, 12), ("fsrcnn", 2, 12)]
)
def test_run_of_a_real_graph_is_what_dnn_makes_of_it(
    algorithm: str, scale: int, overlap_px: int
) -> None:
    folder = Path(os.environ.get(SAMPLES_ENV, "/nonexistent"))
    path = folder / "weights" / f"{algorithm.upper()}_x{scale}.pb"
    photo = cv2.imread(str(folder / "photos" / "butterfly.png"))
    if photo is None or not path.exists():
        pytest.skip(f"set {SAMPLES_ENV} to a folder with photos/butterfly.png and {path.name}")
    side_px = 256 // scale * scale
    truth = np.ascontiguousarray(photo[:side_px, :side_px, ::-1])
    small = cv2.resize(truth, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_CUBIC)
    network = cv2.dnn.readNetFromTensorflow(str(path))

    def luma_network(luma: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        network.setInput(cv2.dnn.blobFromImage(luma))
        return np.asarray(network.forward("NCHW_output")).reshape(side_px, side_px)

    runtime = OpencvSuperres(path, CPU, LUMA, output="NCHW_output")
    (found,) = runtime.run({"pixels": small})
    expected = by_luma(luma_network, small, scale)
    assert abs(cv2.PSNR(found, truth) - cv2.PSNR(expected, truth)) < 0.01
    assert np.array_equal(found, by_opencv(path, algorithm, scale, small))
    bicubic = cv2.resize(small, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    assert cv2.PSNR(found, truth) > cv2.PSNR(bicubic, truth) + 1


@pytest.mark.weights
def test_enlarge_of_a_real_graph_in_tiles_shows_no_seam() -> None:
    folder = Path(os.environ.get(SAMPLES_ENV, "/nonexistent"))
    path = folder / "weights" / "FSRCNN_x2.pb"
    if not path.exists():
        pytest.skip(f"set {SAMPLES_ENV} to a folder with weights/{path.name}")
    runtime = OpencvSuperres(path, CPU, LUMA, output="NCHW_output")
    model, pixels = model_of(runtime, LUMA), colours(150, 110)
    whole = enlarge(model, pixels, Report())
    tiled = enlarge(model, pixels, Report(), tile_area_px=64 * 64)
    assert np.abs(whole.astype(int) - tiled)[2:-2, 2:-2].max() <= 1
