"""TensorFlow Lite graphs run by OpenCV. Imported by workers and the command line only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.contracts import NetworkContract
from studio.models.guard import require_contract
from studio.models.runtime import Array, Device, Precision, unreadable
from studio.models.threads import opencv_threads
from studio.settings import Settings

INPUT = "input"
"""The one input: ``float32 (1, C, H, W)``; OpenCV turns these graphs to its own axis order."""


_OPENCV = f"OpenCV {cv2.__version__}"


def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> TfliteRuntime:
    """With the outputs that the contract names; a loader of ``runtimes``."""
    contract = require_contract(spec, NetworkContract)
    names = [port.name for port in contract.outputs if port.name]
    return TfliteRuntime(path, settings, outputs=names)


class TfliteRuntime:
    """One ``.tflite`` graph in memory; ``runtime.Runtime`` describes the members."""

    name = "opencv"
    device = Device.CPU
    precision = Precision.FP32
    input_names = (INPUT,)

    def __init__(self, path: Path, settings: Settings, *, outputs: Sequence[str]) -> None:
        """Load ``path``; ``outputs`` names what a run returns, in this order.

        Raises:
            ModelUnavailableError: ``model.unreadable``, OpenCV cannot run it, or it has no such
                outputs.

        """
        cv2.setNumThreads(opencv_threads(settings))
        self._outputs = list(outputs)
        self._lock = Lock()
        self.resident_bytes = path.stat().st_size
        try:
            # OpenCV's new engine hides all but the first output of these graphs.
            self._network = cv2.dnn.readNetFromTFLite(str(path), cv2.dnn.ENGINE_CLASSIC)
            known = set(self._network.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise unreadable(path, _OPENCV) from error
        if not known.issuperset(self._outputs):
            raise unreadable(path, _OPENCV)

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run on ``inputs["input"]``; one call at a time, the network keeps its last blobs."""
        try:
            with self._lock:
                self._network.setInput(inputs[INPUT])
                found = self._network.forward(self._outputs)
                return [np.array(output) for output in found]
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError(str(error)) from error
            raise

    def interrupt(self) -> None:
        """Nothing: OpenCV ends what it began, which for these networks takes milliseconds."""
