"""A found face, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye, by the iris network.

    Attributes:
        opening: height of the lids' gap over the width of the eye; open eyes 0.34 to 0.49,
            shut ones 0.05 to 0.21.
        iris: centre in px of the picture, ``float32 (2,)``.
        is_open: whether it may be drawn as an open eye.

    """

    opening: float
    iris: Points
    is_open: bool


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a picture; lengths and points in px of that picture, x to the right, y down.

    Attributes:
        box: left, top, right, bottom of the detector's box.
        score: the detector's, 0 to 1.
        mesh: ``float32 (468, 3)``: x, y, and z with smaller nearer.
        mesh_score: the mesh network's belief that this is a face, 0 to 1.
        right_eye: the subject's right.
        left_eye: the subject's left.

    """

    box: tuple[float, float, float, float]
    score: float
    mesh: Points
    mesh_score: float
    right_eye: Eye
    left_eye: Eye

    @property
    def eye_distance_px(self) -> float:
        """Between the outer corners of the eyes."""
        return eye_distance_px(self.mesh)

    @property
    def area_px2(self) -> float:
        """Of the box around the mesh: the largest of several faces has most, turned or not."""
        width, height = np.ptp(self.mesh[:, :2], axis=0)
        return float(width * height)

    @property
    def yaw(self) -> float:
        """How far the head is turned, -1 to 1, 0 to the camera; positive to its own left."""
        return yaw_of(self.mesh)


def eye_distance_px(mesh: Points) -> float:
    """Between the outer corners of the eyes of a mesh, ``(468, 2 or 3)``."""
    return float(np.linalg.norm(mesh[33, :2] - mesh[263, :2]))


def yaw_of(mesh: Points) -> float:
    """How far a mesh is turned: the nose between the cheeks, as ``Face.yaw``."""
    nose, right, left = mesh[1, :2], mesh[234, :2], mesh[454, :2]
    gap = np.linalg.norm(nose - right) - np.linalg.norm(nose - left)
    return float(gap / (np.linalg.norm(right - left) + 1e-6))
