"""Networks executed by ONNX Runtime. Imported by workers and the command line only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort

from studio.errors import JobCancelledError
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.runtime import (
    Array,
    Device,
    Precision,
    choose_device,
    is_memory_error,
    process_bytes,
    threads_for,
    unreadable,
)
from studio.models.steady_graphs import is_steady
from studio.models.threads import STEADY_THREADS
from studio.settings import Settings

_PROVIDERS = {Device.CPU: "CPUExecutionProvider", Device.CUDA: "CUDAExecutionProvider"}
_ERRORS_ONLY = 3
_SPIN_US = "500"
"""IS-Net on two cores, one run: 0.90 of the time without spinning; 50 µs gives 0.92."""


def usable_device(settings: Settings) -> Device:
    """Where ONNX Runtime runs, by ``choose_device``."""
    has_cuda = _PROVIDERS[Device.CUDA] in ort.get_available_providers()
    return choose_device(
        settings, has_cuda=has_cuda, library="ONNX Runtime", package="onnxruntime-gpu"
    )


def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> OnnxRuntime:
    """As ``OnnxRuntime``; a loader of ``runtimes``."""
    return OnnxRuntime(path, settings)


class OnnxRuntime:
    """One ONNX graph in memory; ``runtime.Runtime`` describes the members."""

    name = "onnxruntime"

    def __init__(self, path: Path, settings: Settings, *, graph: bytes | None = None) -> None:
        """Load ``path``, or ``graph`` that was made of it.

        Raises:
            ModelUnavailableError: ``model.unreadable``, the file is not a graph that can run.
            StudioError: ``device.unavailable``.
            MemoryError: the weights do not fit.

        """
        threads = threads_for(settings) if is_steady(graph or path) else STEADY_THREADS
        before = process_bytes()
        wanted = usable_device(settings)
        providers = [_PROVIDERS[device] for device in dict.fromkeys((wanted, Device.CPU))]
        try:
            self._session = ort.InferenceSession(
                graph or path, _options(threads), providers=providers
            )
        except Exception as error:  # ONNX Runtime's errors share no class of their own
            if is_memory_error(error):
                raise MemoryError(str(error)) from error
            raise unreadable(path, f"ONNX Runtime {ort.__version__}") from error
        inputs = self._session.get_inputs()
        self.input_names = tuple(port.name for port in inputs)
        self._halves = {port.name for port in inputs if port.type == "tensor(float16)"}
        # A GPU that is present but unusable makes ONNX Runtime fall back by itself.
        uses_cuda = self._session.get_providers()[0] == _PROVIDERS[Device.CUDA]
        self.device = Device.CUDA if uses_cuda else Device.CPU
        self.precision = Precision.FP16 if self._halves else Precision.FP32
        self._loaded_bytes = max(path.stat().st_size, process_bytes() - before)
        self.resident_bytes = self._loaded_bytes
        self._under_way = ort.RunOptions()

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run on float32 arrays by input name; halves are converted here, there and back."""
        feed = {
            name: array.astype(np.float16) if name in self._halves else array
            for name, array in inputs.items()
        }
        before = process_bytes()
        options = self._under_way = ort.RunOptions()
        try:
            outputs = self._session.run(None, feed, options)
        except Exception as error:
            if options.terminate:
                raise JobCancelledError from error
            if is_memory_error(error):
                raise MemoryError(str(error)) from error
            raise
        # What stays in the session's arena is there for the next run, and counts as its own; what
        # is handed out does not, and what others give back meanwhile is counted back.
        grown_bytes = process_bytes() - before - sum(output.nbytes for output in outputs)
        self.resident_bytes = max(self._loaded_bytes, self.resident_bytes + grown_bytes)
        return [_as_float(output) for output in outputs]

    def interrupt(self) -> None:
        """End the last run that began, between two of its layers."""
        self._under_way.terminate = True


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    # A pattern of the first run is laid out anew in the second, beside the memory of the first:
    # twice the memory, and nothing won that a convolution would notice.
    options.enable_mem_pattern = False
    # Threads that wait for the next layer spin for a moment, which saves a few per cent of a
    # convolutional network; no longer, and never once the run is over, because then they
    # would take the cores of the other workers.
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _as_float(output: Array) -> Array:
    return output.astype(np.float32) if output.dtype == np.float16 else output
