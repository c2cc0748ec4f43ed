"""The iris network: where an eye looks, and whether it is open.

Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", 2020.
The face mesh cannot tell: it draws shut eyes open.
"""

from __future__ import annotations

from math import atan2

import numpy as np

from studio.faces.crops import Square
from studio.faces.face import Eye, Points, yaw_of
from studio.faces.networks import answer
from studio.imaging.picture import Pixels
from studio.models.cache import Model

LEAST_OPENING = 0.22
"""Between shut eyes, 0.05 to 0.21, and open ones, 0.34 to 0.49."""
_SIZE_PX = 64
_MARGIN = 2.3
_RIGHT_CORNERS = (33, 133)
_LEFT_CORNERS = (362, 263)
_UPPER_LID, _LOWER_LID = 12, 4
_CORNERS = (0, 8)
_FAR_EYE_YAW = 0.45
"""A head turned further hides so much of the far eye that the network guesses."""


def look_at_eyes(model: Model, pixels: Pixels, mesh: Points) -> tuple[Eye, Eye]:
    """The subject's right and left eye.

    The far eye of a head turned away is taken to be as open as the near one.
    """
    right = _look(model, pixels, mesh[list(_RIGHT_CORNERS), :2], is_left=False)
    left = _look(model, pixels, mesh[list(_LEFT_CORNERS), :2], is_left=True)
    yaw = yaw_of(mesh)
    if abs(yaw) < _FAR_EYE_YAW:
        return right, left
    opening = (left if yaw < 0 else right).opening
    return _eye(opening, right.iris), _eye(opening, left.iris)


def _look(model: Model, pixels: Pixels, corners: Points, *, is_left: bool) -> Eye:
    across = corners[1] - corners[0]
    x, y = corners.mean(axis=0)
    width = max(float(np.hypot(*across)), 1e-3)
    square = Square((float(x), float(y)), _MARGIN * width, atan2(across[1], across[0]))
    crop = square.crop(pixels, _SIZE_PX)
    # The network learned right eyes alone.
    contour, iris = answer(model, np.ascontiguousarray(crop[:, ::-1]) if is_left else crop)
    lids, centre = contour.reshape(-1, 3)[:, :2], iris.reshape(-1, 3)[:1, :2].copy()
    if is_left:
        centre[:, 0] = _SIZE_PX - 1 - centre[:, 0]
    return _eye(_opening(lids), square.points_to_picture(centre, _SIZE_PX)[0])


def _opening(lids: Points) -> float:
    gap = np.linalg.norm(lids[_UPPER_LID] - lids[_LOWER_LID])
    return float(gap / max(float(np.linalg.norm(lids[_CORNERS[0]] - lids[_CORNERS[1]])), 1e-6))


def _eye(opening: float, iris: Points) -> Eye:
    return Eye(opening=opening, iris=iris, is_open=opening >= LEAST_OPENING)
