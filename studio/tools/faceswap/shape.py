"""The face shape of a swap, as mesh points: the target's, moved towards the source's."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.faces.face import Points, eye_distance_px
from studio.faces.topology import (
    INNER_MOUTH,
    LEFT_EYE,
    LIPS,
    OVAL,
    RIGHT_EYE,
    SYMMETRY,
)

_STABLE = (
    *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327),  # eyes' corners and nose
    *(10, 151, 9, 234, 454, 93, 323, 127, 356, 152, 58, 288),  # forehead, temples, jaw
)
"""Points that no expression moves far: they say how the head is turned."""
_MOST_SHIFT = 0.12
"""No point moves further than this part of the eye distance."""
_CONTOUR_REACH = 0.30
"""Within this part of the eye distance from the outline, points keep to the target's."""
_FEATURE_SHARE = 0.6
"""How much of the shift eyes and lips take part in, at equal opening."""
_MIRROR_GAIN = 0.25
"""A mirrored source has to fit the target's turn better by at least this much yaw."""


class Aperture(NamedTuple):
    """Mesh points that measure how far something is open."""

    upper: int
    lower: int
    right: int
    left: int

    def opening(self, mesh: Points) -> float:
        """Height over width."""
        height = np.linalg.norm(mesh[self.upper, :2] - mesh[self.lower, :2])
        return float(height / (np.linalg.norm(mesh[self.right, :2] - mesh[self.left, :2]) + 1e-6))


RIGHT_LIDS = Aperture(159, 145, 33, 133)
LEFT_LIDS = Aperture(386, 374, 362, 263)
MOUTH = Aperture(13, 14, 78, 308)


def fits_better_mirrored(source_yaw: float, target_yaw: float) -> bool:
    """Whether the source should be mirrored to look the way the target does.

    Both yaws are as ``Face.yaw`` has them, -1 to 1.
    """
    return abs(-source_yaw - target_yaw) < abs(source_yaw - target_yaw) - _MIRROR_GAIN


def mirror_mesh(mesh: Points, width_px: int) -> Points:
    """The mesh of the same face in the mirrored picture, which is ``width_px`` wide."""
    mirrored: Points = mesh[SYMMETRY]
    mirrored[:, 0] = width_px - 1 - mirrored[:, 0]
    return mirrored


def settle_shape(source: Points, target: Points, identity: float) -> Points:
    """Where the target's mesh points move so that the face takes after the source.

    The source is turned and scaled in space onto the target's pose (Procrustes); what differs
    then is a difference of faces, of which the share ``identity`` is taken over. The outline
    stays the target's.

    Args:
        source: ``float32 (468, 3)``.
        target: ``float32 (468, 3)``.
        identity: 0 the target's shape, 1 the source's.

    Returns:
        ``float32 (468, 2)`` in px of the target.

    """
    eyes_px = eye_distance_px(target)
    weights = identity * np.clip(_from_outline_px(target) / (_CONTOUR_REACH * eyes_px), 0, 1)
    for points, aperture in (
        ((*LIPS, *INNER_MOUTH), MOUTH),
        (RIGHT_EYE, RIGHT_LIDS),
        (LEFT_EYE, LEFT_LIDS),
    ):
        gap = abs(aperture.opening(source) - aperture.opening(target))
        weights[sorted(set(points))] *= _FEATURE_SHARE * max(0.0, 1 - 4 * gap)
    posed = _pose(source, target)
    most_px = _MOST_SHIFT * eyes_px
    shift = np.clip(posed[:, :2] - target[:, :2], -most_px, most_px)
    return np.asarray(target[:, :2] + shift * weights[:, np.newaxis], np.float32)


def _from_outline_px(mesh: Points) -> Points:
    outline = np.ascontiguousarray(mesh[list(OVAL), :2], np.float32)
    distances = [
        abs(cv2.pointPolygonTest(outline, (float(x), float(y)), True)) for x, y in mesh[:, :2]
    ]
    return np.array(distances, np.float32)


def _pose(source: Points, target: Points) -> Points:
    """``source`` by the similarity in space that brings its stable points nearest ``target``'s.

    Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", 1991.
    """
    fixed, moving = (mesh[list(_STABLE)].astype(np.float64) for mesh in (target, source))
    fixed_middle, moving_middle = fixed.mean(axis=0), moving.mean(axis=0)
    centred = moving - moving_middle
    left, stretch, right = np.linalg.svd(centred.T @ (fixed - fixed_middle))
    no_mirror = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(no_mirror) @ right
    scale = (stretch * no_mirror).sum() / (centred**2).sum()
    return np.asarray(scale * (source - moving_middle) @ turn + fixed_middle, np.float32)
