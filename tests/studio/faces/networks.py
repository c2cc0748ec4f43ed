"""Stand-ins for the face networks: one face, wherever the detectors are told to see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studio.faces.detect import FULL_RANGE, SHORT_RANGE, Grid, anchors
from studio.models.cache import Model
from studio.models.catalogue import load_catalogue
from studio.models.runtime import Array, Device, Precision
from studio.report import Report

FACE_NETWORKS = ("blazeface-short", "blazeface-full", "facemesh", "iris-landmark")


class FaceRuntime:
    """Answers each input with fixed outputs."""

    name = "fake"
    device = Device.CPU
    precision = Precision.FP32
    resident_bytes = 0
    input_names = ("input",)

    def __init__(self, *outputs: Array) -> None:
        self.calls: list[Array] = []
        self._outputs = list(outputs)

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        self.calls.append(inputs["input"])
        return [output.copy() for output in self._outputs]

    def interrupt(self) -> None:
        """Nothing to end."""


class FaceModels:
    """A cache of stand-ins: a detector sees boxes, the mesh network believes in them or not.

    Boxes are (x, y, side, logit) in parts of the detector's square.
    """

    def __init__(
        self,
        boxes: Sequence[tuple[float, float, float, float]] = (),
        *,
        face_logit: float = 9.0,
        opening: float = 0.4,
    ) -> None:
        lids = np.zeros((71, 3))
        lids[8, 0], lids[4, 1], lids[12, 1] = 20, 20 * opening / 2, -20 * opening / 2
        self.runtimes = {
            "blazeface-short": FaceRuntime(*_detections(SHORT_RANGE, ())),
            "blazeface-full": FaceRuntime(*_detections(FULL_RANGE, boxes)),
            "facemesh": FaceRuntime(_mesh().reshape(1, -1), np.array([[face_logit]], np.float32)),
            "iris-landmark": FaceRuntime(lids.reshape(1, -1), np.full((1, 15), 32.0)),
        }

    def open(self, model_id: str, report: Report) -> Model:
        spec = load_catalogue().get(model_id)
        runtime: Any = self.runtimes[model_id]
        return Model(spec, spec.files[0], runtime)


def _detections(
    grid: Grid, boxes: Sequence[tuple[float, float, float, float]]
) -> tuple[Array, Array]:
    centres = anchors(grid)
    values = np.zeros((len(centres), 8, 2), np.float32)
    logits = np.full(len(centres), -20, np.float32)
    for x, y, side, logit in boxes:
        place = int(np.abs(centres - (x, y)).sum(axis=1).argmin())
        origin = centres[place]
        values[place, 0] = (np.array([x, y]) - origin) * grid.size_px
        values[place, 1] = side * grid.size_px
        # Eyes side by side, and the rest below them.
        offsets = np.array([(-1, -1), (1, -1), (0, 0), (0, 1), (-2, 0), (2, 0)]) * side / 5
        values[place, 2:] = (np.array([x, y]) + offsets - origin) * grid.size_px
        logits[place] = logit
    return values.reshape(1, -1, 16), logits.reshape(1, -1, 1)


def _mesh() -> Array:
    """A disc of points that fills two thirds of the crop, with level eyes."""
    turns = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    mesh = np.zeros((468, 3), np.float32)
    mesh[:, 0], mesh[:, 1] = 96 + 64 * np.cos(turns), 96 + 64 * np.sin(turns)
    for point, x, y in ((33, 66, 80), (133, 86, 80), (362, 106, 80), (263, 126, 80), (1, 96, 100)):
        mesh[point, :2] = x, y
    mesh[234, :2], mesh[454, :2] = (32, 96), (160, 96)
    return mesh
