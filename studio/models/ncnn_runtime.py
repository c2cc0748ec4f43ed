"""Networks executed by ncnn on the CPU. Imported by workers and the command line only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import ncnn
import numpy as np

from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.runtime import (
    Array,
    Device,
    Precision,
    process_bytes,
    threads_for,
    unreadable,
    unsupported,
)
from studio.settings import Settings

_NO_MEMORY = -100
"""What ncnn's layers return when an allocation failed."""


def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> NcnnRuntime:
    """A graph with the weights beside it; a loader of ``runtimes``."""
    if not file.weights:
        raise unsupported(spec, "ncnn without weights")
    return NcnnRuntime(path, path.with_name(file.weights), settings)


def read_graph(path: Path) -> None:
    """Read a graph whose weights are not there yet, and forget it.

    Raises:
        ModelUnavailableError: ``model.unreadable``.
        MemoryError: it does not fit.

    """
    _load(ncnn.Net().load_param, path)


class NcnnRuntime:
    """One ncnn graph with its weights in memory; ``runtime.Runtime`` describes the members.

    Blobs are ``float32 (1, C, H, W)`` outside and have no batch axis inside. Threads may share
    it: what one run computes lives in an extractor of its own, and the network is only read.
    """

    name = "ncnn"
    device = Device.CPU
    precision = Precision.FP32

    def __init__(self, param_path: Path, bin_path: Path, settings: Settings) -> None:
        """Load a graph and its weights.

        Raises:
            ModelUnavailableError: ``model.unreadable``, the files are not a net ncnn can run.
            MemoryError: the weights do not fit.

        """
        before = process_bytes()
        self._network = ncnn.Net()
        options = self._network.opt
        options.num_threads = threads_for(settings)
        options.use_vulkan_compute = False
        # Some processors would compute in halves by default, and give other pixels than the rest.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        _load(self._network.load_param, param_path)
        _load(self._network.load_model, bin_path)
        self.input_names = tuple(self._network.input_names())
        self._output_names = tuple(self._network.output_names())
        self.resident_bytes = max(bin_path.stat().st_size, process_bytes() - before)

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run on ``float32 (1, C, H, W)`` arrays by input name."""
        extractor = self._network.create_extractor()
        for name, array in inputs.items():
            # A Mat borrows the memory of its array, without keeping it alive; the clone owns its.
            planes = np.ascontiguousarray(array[0], np.float32)
            blob = ncnn.Mat(planes).clone()
            if blob.empty():
                raise MemoryError(f"ncnn has no memory for the input {name}")
            if extractor.input(name, blob) != 0:
                raise ValueError(f"the network has no input {name}")
        return [_extract(extractor, name) for name in self._output_names]

    def interrupt(self) -> None:
        """Nothing: ncnn ends what it began, which for one tile takes seconds at most."""


def _load(load: Callable[[str], int], path: Path) -> None:
    code = load(str(path))
    if code == _NO_MEMORY:
        raise MemoryError(f"ncnn has no memory for {path.name}")
    if code != 0:
        raise unreadable(path, f"ncnn {ncnn.__version__}")


def _extract(extractor: ncnn.Extractor, name: str) -> Array:
    """Compute an output and copy it: its memory goes with the extractor."""
    code, blob = extractor.extract(name)
    if code == _NO_MEMORY or (code == 0 and blob.empty()):
        raise MemoryError(f"ncnn ran out of memory computing {name}")
    if code != 0:
        raise RuntimeError(f"ncnn failed to compute {name}, code {code}")
    return np.array(blob)[None]
