"""Real-ESRGAN: the studio against bare ncnn and bare ONNX Runtime, and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import ncnn
import numpy as np
import onnxruntime as ort
from skimage import data

from bench.measuring import tell
from studio.imaging.picture import Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.runtime import Device, Floats, threads_for
from studio.models.superres import enlarge
from studio.models.weights import WeightStore
from studio.report import Report
from studio.settings import Settings, get_settings
from studio.tools.memory import PeakMemory

MODEL = "realesr-animevideov3"
SPEED_BAR = 1.15
MEMORY_BAR_BYTES = 2 << 30
_ROUNDS = 5


def main() -> None:
    """Print seconds, ratio and memory; fails above a bar."""
    ratio = _speed_ratio(get_settings())
    extra_bytes = _large_picture_bytes()
    tell(f"ours / best of ncnn and ONNX Runtime: {ratio:.2f}, bar {SPEED_BAR}")
    tell(f"4000x3000 x2: {extra_bytes / 2**20:.0f} MiB above idle, bar 2048")
    if ratio > SPEED_BAR or extra_bytes > MEMORY_BAR_BYTES:
        raise SystemExit("Enlarging misses a bar.")


def _speed_ratio(settings: Settings) -> float:
    """Ours over the better of the two, 480x320 x3, rounds interleaved."""
    store = _store(settings)
    model = ModelCache(store, settings).open(MODEL, Report(), scale=3)
    pixels = np.ascontiguousarray(data.astronaut()[:320, :480])
    runners: dict[str, Callable[[Pixels], Pixels]] = {
        "ours": lambda tile: enlarge(model, tile, Report()),
        "ncnn": _by_ncnn(store, threads_for(settings)),
        "ONNX Runtime": _by_onnx_runtime(store, threads_for(settings)),
    }
    results = {name: run(pixels).astype(int) for name, run in runners.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(_ROUNDS):
        for name, run in runners.items():
            started = perf_counter()
            run(pixels)
            seconds[name].append(perf_counter() - started)
    medians = {name: median(times) for name, times in seconds.items()}
    for name, value in medians.items():
        difference = np.abs(results[name] - results["ours"]).max()
        tell(
            f"480x320 x3 {name}: median {value:.2f} s, least {min(seconds[name]):.2f} s, "
            f"{difference} of 255 from ours"
        )
    return medians.pop("ours") / min(medians.values())


def _store(settings: Settings) -> WeightStore:
    return WeightStore(settings.weights_dir, load_catalogue())


def _by_ncnn(store: WeightStore, threads: int) -> Callable[[Pixels], Pixels]:
    """The published files in ncnn, called as its own examples do."""
    file = store.catalogue.get(MODEL).file_for(Device.CPU, 3)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads
    net.load_param(str(store.path(MODEL, file.name)))
    net.load_model(str(store.path(MODEL, file.weights)))

    def run(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        mat = ncnn.Mat.from_pixels(pixels, ncnn.Mat.PixelType.PIXEL_RGB, width, height)
        mat.substract_mean_normalize([], [1 / 255] * 3)
        extractor = net.create_extractor()
        extractor.input("data", mat)
        _, output = extractor.extract("output")
        return _levels(np.array(output))

    return run


def _by_onnx_runtime(store: WeightStore, threads: int) -> Callable[[Pixels], Pixels]:
    """The converted file in ONNX Runtime."""
    file = store.catalogue.get(MODEL).file_for(Device.CUDA, 3)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(
        store.path(MODEL, file.name), options, providers=["CPUExecutionProvider"]
    )

    def run(pixels: Pixels) -> Pixels:
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / 255
        return _levels(session.run(None, {"data": planes})[0][0])

    return run


def _levels(planes: Floats) -> Pixels:
    levels = np.rint(np.clip(planes, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))


def _large_picture_bytes() -> int:
    """Peak memory above idle of a 4000x3000 enlargement by 2, in a process of its own."""
    command = [sys.executable, "-m", "bench.superres", "memory"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 — our own module
    return int(result.stdout)


def measure_memory() -> None:
    """Print the bytes that enlarging a 4000x3000 picture by 2 takes above an idle model."""
    import psutil

    settings = get_settings()
    model = ModelCache(_store(settings), settings).open(MODEL, Report(), scale=2)
    enlarge(model, np.zeros((32, 32, 3), np.uint8), Report())
    idle_bytes = psutil.Process().memory_info().rss
    pixels = np.ascontiguousarray(np.tile(data.astronaut(), (6, 8, 1))[:3000, :4000])
    peak = PeakMemory.start()
    enlarge(model, pixels, Report())
    tell(str(peak.peak_bytes() - idle_bytes))


if __name__ == "__main__":
    measure_memory() if sys.argv[1:] == ["memory"] else main()
