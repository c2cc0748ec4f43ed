from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from time import sleep

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from studio.errors import JobCancelledError, ModelUnavailableError, StudioError
from studio.models.onnx_runtime import OnnxRuntime, usable_device
from studio.models.runtime import Device, threads_for, usable_cores
from studio.settings import Settings
from tests.studio.models.networks import write_enlarger, write_mean_of_channels, write_onnx

CPU = Settings(device="cpu", threads=1)


def test_run_reads_names_from_the_graph(tmp_path: Path) -> None:
    runtime = OnnxRuntime(write_mean_of_channels(tmp_path / "net.onnx", spare_outputs=2), CPU)
    planes = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
    outputs = runtime.run({runtime.input_names[0]: planes})
    assert len(outputs) == 3
    assert np.allclose(outputs[2], planes.mean(axis=1, keepdims=True))
    assert (runtime.device, runtime.precision) == ("cpu", "fp32")


def test_run_of_a_half_precision_graph_speaks_float32(tmp_path: Path) -> None:
    path = write_onnx(
        tmp_path / "net.onnx",
        [helper.make_node("Neg", ["input"], ["output"])],
        {},
        kind=TensorProto.FLOAT16,
    )
    runtime = OnnxRuntime(path, CPU)
    (output,) = runtime.run({"input": np.full((1, 3, 1, 1), 0.25, np.float32)})
    assert runtime.precision == "fp16"
    assert output.dtype == np.float32
    assert np.all(output == -0.25)


def write_slow_net(path: Path) -> Path:
    """Seconds of work in many layers: a matrix multiplied by itself again and again."""
    size, layers = 1200, 80
    names = ["input", *(f"product_{number}" for number in range(layers - 1)), "output"]
    nodes = [
        helper.make_node("MatMul", [before, "matrix"], [after]) for before, after in pairwise(names)
    ]
    matrix = np.full((size, size), 1 / size, np.float32)
    return write_onnx(path, nodes, {"matrix": matrix}, shape=(1, 1, None, size))


def test_interrupt_ends_a_run_between_two_layers_and_spoils_no_later_one(tmp_path: Path) -> None:
    runtime = OnnxRuntime(write_slow_net(tmp_path / "net.onnx"), CPU)
    runtime.interrupt()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(runtime.run, {"input": np.ones((1, 1, 1200, 1200), np.float32)})
        while not run.done():
            runtime.interrupt()
            sleep(0.01)
        assert isinstance(run.exception(), JobCancelledError)
    (output,) = runtime.run({"input": np.ones((1, 1, 1, 1200), np.float32)})
    assert np.allclose(output, 1, atol=1e-3)


def test_resident_bytes_cover_at_least_the_file(tmp_path: Path) -> None:
    path = write_enlarger(tmp_path / "net.onnx", layers=4)
    assert OnnxRuntime(path, CPU).resident_bytes >= path.stat().st_size


def test_resident_bytes_of_many_runs_are_what_stays_behind_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = OnnxRuntime(write_mean_of_channels(tmp_path / "net.onnx"), CPU)
    loaded_bytes = runtime.resident_bytes
    planes = np.zeros((1, 3, 1000, 1000), np.float32)
    answer_bytes, arena_bytes = planes.nbytes // 3, 50_000_000
    measured = [0, arena_bytes + answer_bytes, 0, answer_bytes, 1000, answer_bytes]
    monkeypatch.setattr("studio.models.onnx_runtime.process_bytes", lambda: measured.pop(0))
    for _ in range(2):
        runtime.run({"input": planes})
        assert runtime.resident_bytes == loaded_bytes + arena_bytes
    runtime.run({"input": planes})
    assert runtime.resident_bytes == loaded_bytes + arena_bytes - 1000


def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_text("not a graph", encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"net\.onnx") as refusal:
        OnnxRuntime(path, CPU)
    assert refusal.value.code == "model.unreadable"


def test_a_wrong_input_is_not_taken_for_lack_of_memory(tmp_path: Path) -> None:
    runtime = OnnxRuntime(write_mean_of_channels(tmp_path / "net.onnx"), CPU)
    with pytest.raises(Exception, match="INVALID_ARGUMENT") as error:
        runtime.run({"input": np.zeros((1, 4, 2, 2), np.float32)})
    assert not isinstance(error.value, MemoryError)


STARVED = """
import resource, sys
from pathlib import Path
import numpy as np, psutil
from studio.models.onnx_runtime import OnnxRuntime
from studio.settings import Settings

runtime = OnnxRuntime(Path(sys.argv[1]), Settings(device="cpu", threads=1))
planes = np.zeros((1, 3, 2000, 2000), np.float32)
limit = psutil.Process().memory_info().vms + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    runtime.run({"input": planes})
except MemoryError:
    print("MemoryError")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS starves a process on Linux only")
def test_run_without_memory_raises_memory_error(tmp_path: Path) -> None:
    path = write_enlarger(tmp_path / "net.onnx")
    result = subprocess.run(
        [sys.executable, "-c", STARVED, str(path)], capture_output=True, text=True, check=True
    )
    assert result.stdout == "MemoryError\n"


REPEATED = """
import sys
from pathlib import Path
import numpy as np, psutil
from studio.models.onnx_runtime import OnnxRuntime
from studio.settings import Settings
from studio.tools.memory import PeakMemory

runtime = OnnxRuntime(Path(sys.argv[1]), Settings(device="cpu", threads=1))
planes = np.zeros((1, 3, 1200, 1200), np.float32)
idle = psutil.Process().memory_info().rss
for runs in (1, 3):
    peak = PeakMemory.start()
    for _ in range(runs):
        runtime.run({"input": planes})
    print(peak.peak_bytes() - idle)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux resets a process's peak memory")
def test_run_again_takes_no_more_memory_than_the_first_time(tmp_path: Path) -> None:
    path = write_enlarger(tmp_path / "net.onnx", layers=4)
    result = subprocess.run(
        [sys.executable, "-c", REPEATED, str(path)], capture_output=True, text=True, check=True
    )
    first, later = map(int, result.stdout.split())
    assert first > 1200 * 1200 * 12 * 4
    assert later < 1.2 * first


def test_choose_device_defaults_to_what_is_there() -> None:
    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    assert usable_device(Settings(device="")) is (Device.CUDA if has_cuda else Device.CPU)
    assert usable_device(Settings(device="cpu")) is Device.CPU


@pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(),
    reason="this ONNX Runtime carries CUDA",
)
def test_choose_device_that_is_not_there_says_the_remedy() -> None:
    with pytest.raises(StudioError, match="onnxruntime-gpu") as error:
        usable_device(Settings(device="cuda"))
    assert error.value.code == "device.unavailable"


def test_threads_for_shares_the_cores_among_network_workers() -> None:
    cores = usable_cores()
    assert cores >= 1
    assert threads_for(Settings(threads=0, network_workers=1)) == cores
    assert threads_for(Settings(threads=0, network_workers=cores * 2)) == 1
    assert threads_for(Settings(threads=3)) == 3
