from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from studio.errors import ModelUnavailableError
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.contracts import SuperresContract
from studio.models.convert import ncnn_to_onnx
from studio.models.ncnn_runtime import NcnnRuntime
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.superres import enlarge
from studio.models.weights import WeightStore
from studio.report import Report
from studio.settings import Settings
from tests.studio.models.networks import NCNN_NET, model_of, write_ncnn

pytestmark = pytest.mark.slow

CPU = Settings(device="cpu", threads=2)
REAL = "realesr-animevideov3"


def photo(width_px: int, height_px: int) -> np.ndarray[Any, Any]:
    crop: np.ndarray[Any, Any] = data.astronaut()[60 : 60 + height_px, 150 : 150 + width_px]
    return np.ascontiguousarray(crop)


def planes(width_px: int = 34, height_px: int = 21) -> np.ndarray[Any, Any]:
    crop = photo(width_px, height_px).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(crop, np.float32) / np.float32(255)


def installed(scale: int) -> tuple[WeightStore, Path, Path]:
    """The store, and the graph and weights of the real net; skips where they are missing."""
    store = WeightStore(Settings().weights_dir, load_catalogue())
    try:
        param = store.path(REAL, f"{REAL}-x{scale}.param")
        return store, param, store.path(REAL, f"{REAL}.bin")
    except ModelUnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("size", [(34, 21), (7, 5), (64, 48)])
def test_run_gives_what_the_onnx_form_gives(tmp_path: Path, size: tuple[int, int]) -> None:
    param, weights = write_ncnn(tmp_path)
    ncnn_to_onnx(param, weights, tmp_path / "net.onnx")
    (expected,) = OnnxRuntime(tmp_path / "net.onnx", CPU).run({"data": planes(*size)})
    (found,) = NcnnRuntime(param, weights, CPU).run({"data": planes(*size)})
    assert found.shape == expected.shape == (1, 3, size[1] * 3, size[0] * 3)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() * 255 < 0.01
    assert found.std() > 0.05


def test_run_reads_what_kind_of_network_it_is(tmp_path: Path) -> None:
    param, weights = write_ncnn(tmp_path)
    runtime = NcnnRuntime(param, weights, Settings(device="cpu", threads=1))
    assert runtime.input_names == ("data",)
    assert (runtime.name, runtime.device, runtime.precision) == ("ncnn", "cpu", "fp32")
    assert runtime.resident_bytes >= weights.stat().st_size


def test_run_of_an_array_in_another_order_reads_it_as_it_is(tmp_path: Path) -> None:
    runtime = NcnnRuntime(*write_ncnn(tmp_path), CPU)
    (expected,) = runtime.run({"data": planes()})
    backwards = np.asfortranarray(planes())
    assert not backwards[0].flags.c_contiguous
    assert np.array_equal(runtime.run({"data": backwards})[0], expected)


def test_run_leaves_its_input_alone_and_owns_its_output(tmp_path: Path) -> None:
    runtime = NcnnRuntime(*write_ncnn(tmp_path), CPU)
    fed = planes()
    (first,) = runtime.run({"data": fed})
    kept = first.copy()
    assert np.array_equal(fed, planes())
    fed[:] = 0
    runtime.run({"data": fed})
    del runtime
    assert np.array_equal(first, kept)


def test_run_from_many_threads_gives_each_its_own(tmp_path: Path) -> None:
    runtime = NcnnRuntime(*write_ncnn(tmp_path), CPU)
    inputs = [planes(40 + index, 30) for index in range(8)]
    alone = [runtime.run({"data": array})[0] for array in inputs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            together = list(pool.map(lambda array: runtime.run({"data": array})[0], inputs))
            assert all(np.array_equal(*pair) for pair in zip(alone, together, strict=True))


DIGEST = """
import hashlib, sys
from pathlib import Path
from tests.studio.models.test_ncnn_runtime import CPU, NcnnRuntime, planes
runtime = NcnnRuntime(Path(sys.argv[1]), Path(sys.argv[2]), CPU)
(output,) = runtime.run({"data": planes(90, 70)})
print(hashlib.sha256(output.tobytes()).hexdigest())
"""


def assert_same_bytes_here_and_elsewhere(param: Path, weights: Path) -> None:
    runtime = NcnnRuntime(param, weights, CPU)
    digests = {
        hashlib.sha256(runtime.run({"data": planes(90, 70)})[0].tobytes()).hexdigest()
        for _ in range(3)
    }
    command = [sys.executable, "-c", DIGEST, str(param), str(weights)]
    for _ in range(2):
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        digests.add(result.stdout.strip())
    assert len(digests) == 1


def test_run_gives_the_same_bytes_twice_and_in_other_processes(tmp_path: Path) -> None:
    assert_same_bytes_here_and_elsewhere(*write_ncnn(tmp_path))


def test_run_of_an_input_the_network_lacks_says_so(tmp_path: Path) -> None:
    runtime = NcnnRuntime(*write_ncnn(tmp_path), CPU)
    with pytest.raises(ValueError, match="no input picture"):
        runtime.run({"picture": planes()})


def test_a_graph_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    param, weights = write_ncnn(tmp_path, graph="not a graph")
    with pytest.raises(ModelUnavailableError, match=r"net\.param") as refusal:
        NcnnRuntime(param, weights, CPU)
    assert refusal.value.code == "model.unreadable"


def test_weights_that_end_too_soon_are_refused_by_name(tmp_path: Path) -> None:
    param, weights = write_ncnn(tmp_path)
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelUnavailableError, match=r"net\.bin"):
        NcnnRuntime(param, weights, CPU)


STARVED = """
import resource, sys
from pathlib import Path
import numpy as np, psutil
from studio.models.ncnn_runtime import NcnnRuntime
from studio.settings import Settings

runtime = NcnnRuntime(Path(sys.argv[1]), Path(sys.argv[2]), Settings(device="cpu", threads=1))
planes = np.zeros((1, 3, 1500, 1500), np.float32)
limit = psutil.Process().memory_info().vms + (int(sys.argv[3]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    runtime.run({"data": planes})
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS starves a process on Linux only")
@pytest.mark.parametrize(("spare_mib", "what"), [(8, "the input data"), (200, "computing output")])
def test_run_without_memory_raises_memory_error(tmp_path: Path, spare_mib: int, what: str) -> None:
    paths = [str(path) for path in write_ncnn(tmp_path)]
    command = [sys.executable, "-c", STARVED, *paths, str(spare_mib)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert what in result.stdout


def test_enlarge_by_ncnn_in_tiles_shows_no_seam(tmp_path: Path) -> None:
    net = NCNN_NET.replace("1={factor} 2={factor}", "1=5.000000e-01 2=5.000000e-01")
    runtime = NcnnRuntime(*write_ncnn(tmp_path, graph=net), CPU)
    pixels = photo(150, 110)
    for overlap_px, is_enough in ((8, True), (1, False)):
        model = model_of(runtime, SuperresContract(overlap_px=overlap_px))
        whole = enlarge(model, pixels, Report())
        tiled = enlarge(model, pixels, Report(), tile_area_px=40 * 40)
        difference = np.abs(whole.astype(int) - tiled)[2:-2, 2:-2].max()
        assert (difference <= 1) == is_enough


@pytest.mark.weights
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_real_net_gives_what_its_onnx_form_gives(scale: int) -> None:
    store, param, weights = installed(scale)
    onnx = OnnxRuntime(store.path(REAL, f"{REAL}-x{scale}.onnx"), CPU)
    (expected,) = onnx.run({"data": planes(161, 120)})
    (found,) = NcnnRuntime(param, weights, CPU).run({"data": planes(161, 120)})
    assert np.abs(found - expected).max() * 255 < 0.01


@pytest.mark.weights
def test_real_net_gives_the_same_bytes_in_other_processes() -> None:
    _, param, weights = installed(3)
    assert_same_bytes_here_and_elsewhere(param, weights)


@pytest.mark.weights
def test_real_net_is_opened_by_ncnn_on_the_cpu_and_shows_no_seam() -> None:
    store, param, weights = installed(2)
    report = Report()
    model = ModelCache(store, CPU).open(REAL, report, scale=2)
    pixels = photo(180, 100)
    whole = enlarge(model, pixels, Report())
    tiled = enlarge(model, pixels, Report(), tile_area_px=80 * 80)
    (use,) = report.weights
    assert (use.runtime, use.device) == ("ncnn", "cpu")
    assert use.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert use.graph_sha256 == hashlib.sha256(param.read_bytes()).hexdigest()
    assert np.abs(whole.astype(int) - tiled)[2:-2, 2:-2].max() <= 1
