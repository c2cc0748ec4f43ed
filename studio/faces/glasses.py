"""Whether a face wears glasses, and which, by two signs that need no network.

A frame crosses the bridge of the nose, where bare skin has no edge (after Jiang et al., "Towards
detection of glasses in facial images", 2000); dark lenses leave nothing light around both eyes.
"""

from __future__ import annotations

from enum import StrEnum
from math import atan2

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.crops import Square
from studio.faces.face import Points, eye_distance_px
from studio.faces.topology import SYMMETRY
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

_SIZE_PX, _MARGIN = 144, 2.4
"""The crop and its side over the eye distance, which is 60 px in it."""
_BRIDGE = (8, 168, 6, 197, 195)
"""Down the nose, from between the brows."""
_BRIDGE_HALF_WIDTH = 0.07
_ROWS, _COLUMNS = 56, 21
_FRAME_EDGE = 2.6
"""In L a row. Of 129 bare faces none has more than 1.8; frames across the bridge 3.8 to 5.6."""
_AROUND_RIGHT_EYE = (
    *(226, 31, 228, 229, 230, 231, 232, 25, 110, 24, 23, 22, 26, 113),
    *(225, 224, 223, 222, 30, 29, 27, 28, 56, 118, 119, 120),
)
_RIGHT_CHEEK = (50, 205, 187, 36)
_LIGHT_PART = 85
_DARK_LENS = 0.78
"""The lighter part around an eye over its cheek: sunglasses 0.43 to 0.72, bare faces 0.85 or
more, whether shaded, made up or dark-skinned."""


class Glasses(StrEnum):
    """What is worn, by what shows of the eyes."""

    CLEAR = "clear"
    DARK = "dark"


def find_glasses(pixels: Pixels, mesh: Points) -> Glasses | None:
    """The glasses that a face seems to wear.

    Clear ones are known by their frame: rimless ones, and those whose bridge hides in shade, are
    not seen.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        mesh: of a face in it, ``float32 (468, 3)`` in px.

    """
    lightness, placed = _level_crop(pixels, mesh)
    sides = (np.arange(len(SYMMETRY)), SYMMETRY)
    if all(_lightness_around_eye(lightness, placed, side) < _DARK_LENS for side in sides):
        return Glasses.DARK
    return Glasses.CLEAR if _edge_on_bridge(lightness, placed) > _FRAME_EDGE else None


def _level_crop(pixels: Pixels, mesh: Points) -> tuple[Floats, Points]:
    """Lightness around the eyes, ``float32 (S, S)`` 0 to 100, and the mesh in it."""
    right, left = mesh[33, :2], mesh[263, :2]
    x, y = (right + left) / 2
    angle = atan2(left[1] - right[1], left[0] - right[0])
    square = Square((float(x), float(y)), _MARGIN * eye_distance_px(mesh), angle)
    crop = square.crop(pixels, _SIZE_PX).astype(np.float32) / 255
    lightness = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2Lab)[..., 0], np.float32)
    to_crop = cv2.invertAffineTransform(square.to_picture(_SIZE_PX))
    return lightness, np.asarray(mesh[:, :2] @ to_crop[:, :2].T + to_crop[:, 2], np.float32)


def _edge_on_bridge(lightness: Floats, mesh: Points) -> float:
    """The strongest change of lightness from row to row that runs all across the bridge."""
    corners = mesh[list(_BRIDGE)]
    steps = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    rows = np.linspace(0, along[-1], _ROWS)
    x, y = (np.interp(rows, along, corners[:, axis]) for axis in range(2))
    reach_px = _BRIDGE_HALF_WIDTH * _SIZE_PX / _MARGIN
    columns = np.linspace(-reach_px, reach_px, _COLUMNS)
    strip = cv2.remap(
        lightness,
        (x[:, np.newaxis] + columns).astype(np.float32),
        np.repeat(y[:, np.newaxis], _COLUMNS, axis=1).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    smooth = cv2.GaussianBlur(strip, (0, 0), 1.0)
    return float(np.abs(np.median(np.diff(smooth, axis=0), axis=1)).max())


def _lightness_around_eye(lightness: Floats, mesh: Points, side: npt.NDArray[np.int64]) -> float:
    """What is light around an eye over its cheek; ``side`` maps the right half's points."""
    smooth = np.asarray(cv2.GaussianBlur(lightness, (0, 0), 1.0), np.float32)
    around, cheek = (
        _sample(smooth, mesh[side[list(part)]]) for part in (_AROUND_RIGHT_EYE, _RIGHT_CHEEK)
    )
    return float(np.percentile(around, _LIGHT_PART) / (np.median(cheek) + 1e-6))


def _sample(values: Floats, points: Points) -> Floats:
    columns, rows = np.clip(np.round(points), 0, _SIZE_PX - 1).astype(int).T
    sampled: Floats = values[rows, columns]
    return sampled
