"""TensorFlow super-resolution graphs (``.pb``) in the convention of OpenCV's ``dnn_superres``.

Luma alone goes through ESPCN, FSRCNN and LapSRN, colour minus its training mean through EDSR.
OpenCV's own ``DnnSuperResImpl`` gives the same bytes for a graph's one end, but Python cannot read
LapSRN's other ends from it: its ``upsampleMultioutput`` returns nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from cv2.typing import MatLike

from studio.imaging.picture import Pixels
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.contracts import OpencvSuperresContract
from studio.models.guard import require_contract
from studio.models.runtime import Array, Device, Floats, Precision, unreadable
from studio.models.threads import opencv_threads
from studio.settings import Settings

PIXELS = "pixels"
"""The one input: a picture, ``uint8 (H, W, 3)`` RGB."""


_OPENCV = f"OpenCV {cv2.__version__}"


def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> OpencvSuperres:
    """To be read at the end that enlarges by the file's scale; a loader of ``runtimes``."""
    contract = require_contract(spec, OpencvSuperresContract)
    return OpencvSuperres(path, settings, contract, output=file.output)


class OpencvSuperres:
    """One ``.pb`` in memory; ``runtime.Runtime`` describes the members.

    Its input and its only output are pictures: RGB ``uint8 (H, W, 3)`` to
    ``uint8 (H * scale, W * scale, 3)``, where the scale is that of the graph's end it reads.
    """

    name = "opencv"
    device = Device.CPU
    precision = Precision.FP32
    input_names = (PIXELS,)

    def __init__(
        self,
        path: Path,
        settings: Settings,
        contract: OpencvSuperresContract,
        *,
        output: str | None = None,
    ) -> None:
        """Load ``path``, to be read at the end called ``output``; None takes the graph's last.

        Raises:
            ModelUnavailableError: ``model.unreadable``, also when there is no such end.

        """
        cv2.setNumThreads(opencv_threads(settings))
        # Teaches OpenCV the DepthToSpace of these graphs; without it they cannot be read.
        cv2.dnn_superres.DnnSuperResImpl.create()
        try:
            self._network = cv2.dnn.readNetFromTensorflow(str(path))
        except cv2.error as error:
            raise unreadable(path, _OPENCV) from error
        if output is None:
            output = self._network.getUnconnectedOutLayersNames()[-1]
        elif output not in self._network.getLayerNames():
            raise unreadable(path, _OPENCV)
        self._output = output
        self._contract = contract
        self._lock = Lock()
        self.resident_bytes = path.stat().st_size

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Enlarge ``inputs["pixels"]``; one call at a time, the network keeps its last blobs."""
        enlarge = self._colour if self._contract.channels == "bgr" else self._luma
        try:
            with self._lock:
                return [enlarge(np.asarray(inputs[PIXELS], np.uint8))]
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError(str(error)) from error
            raise

    def interrupt(self) -> None:
        """Nothing: OpenCV ends the tile it began."""

    def _luma(self, rgb: Pixels) -> Pixels:
        ycrcb = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
        luma, *chroma = cv2.split(ycrcb * np.float32(1 / 255))
        large = self._forward(cv2.dnn.blobFromImage(luma))[0]
        planes = [large, *(cv2.resize(plane, large.shape[::-1]) for plane in chroma)]
        levels = _levels(np.dstack(planes) * np.float32(255))
        return np.asarray(cv2.cvtColor(levels, cv2.COLOR_YCrCb2RGB), np.uint8)

    def _colour(self, rgb: Pixels) -> Pixels:
        mean = self._contract.mean
        large = self._forward(cv2.dnn.blobFromImage(rgb, mean=mean, swapRB=True))
        bgr = _levels(np.moveaxis(large, 0, 2) + np.array(mean, np.float32))
        return np.ascontiguousarray(bgr[:, :, ::-1])

    def _forward(self, blob: MatLike) -> Floats:
        """What the network makes of ``(1, C, H, W)``, as ``float32 (C, H * scale, W * scale)``."""
        self._network.setInput(blob)
        return np.asarray(self._network.forward(self._output)[0], np.float32)


def _levels(values: Floats) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
