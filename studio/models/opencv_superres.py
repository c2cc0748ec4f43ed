"""TensorFlow super-resolution graphs (``.pb``) run by OpenCV's own ``dnn_superres``.

ESPCN, FSRCNN and LapSRN see luma alone; EDSR sees colour minus its training mean. The module
holds the whole contract, as its authors published it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from studio.errors import ModelUnavailableError
from studio.models.runtime import Array, Device, Precision, threads_for
from studio.settings import Settings

PIXELS = "pixels"
"""The one input: a picture, ``uint8 (H, W, 3)`` RGB."""


class OpencvSuperres:
    """One ``.pb`` in memory; ``runtime.Runtime`` describes the members.

    Its input and its only output are pictures: RGB ``uint8 (H, W, 3)`` to
    ``uint8 (H * scale, W * scale, 3)``.
    """

    name = "opencv"
    device = Device.CPU
    precision = Precision.FP32
    input_names = (PIXELS,)

    def __init__(self, path: Path, settings: Settings, *, algorithm: str, scale: int) -> None:
        """Load ``path``, a graph of ``algorithm`` (edsr, espcn, fsrcnn or lapsrn).

        Raises:
            ModelUnavailableError: ``model.unreadable``.

        """
        cv2.setNumThreads(threads_for(settings))
        self._network = cv2.dnn_superres.DnnSuperResImpl.create()
        try:
            self._network.readModel(str(path))
        except cv2.error as error:
            raise ModelUnavailableError(
                f"The weight file {path.name} cannot be run by OpenCV {cv2.__version__}.",
                code="model.unreadable",
            ) from error
        self._network.setModel(algorithm, scale)
        self._lock = Lock()
        self.resident_bytes = path.stat().st_size

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Enlarge ``inputs["pixels"]``; one call at a time, the network keeps its last blobs."""
        try:
            with self._lock:
                bgr = self._network.upsample(inputs[PIXELS][:, :, ::-1].copy())
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError(str(error)) from error
            raise
        return [np.ascontiguousarray(bgr[:, :, ::-1])]

    def interrupt(self) -> None:
        """Nothing: OpenCV ends the tile it began."""
