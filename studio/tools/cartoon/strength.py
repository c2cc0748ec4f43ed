"""The "strength" of a cartoon: how far a photograph is moved towards its drawing."""

from __future__ import annotations

import numpy as np

from studio.imaging.grey import without_colour
from studio.imaging.picture import Pixels

_WHOLE = 1 << 16
_OPAQUE = 255
_EXPONENT = 0.75
"""Below 1, weak drawings show a little more of themselves."""
_COLOUR_EXPONENT = 3
"""Where the drawing is pencil, the photograph's colour is left to this power of its share: a
pale tint would make a faded photograph of it."""
_STRIP_ROWS = 256
"""Rows computed at a time; the sums need four bytes a channel."""


def blend(photo: Pixels, drawn: Pixels, strength: float, region: Pixels | None = None) -> Pixels:
    """``photo`` moved towards ``drawn`` by ``strength ** 0.75``.

    In whole numbers, so that no pixel ever comes back towards the photograph when the
    strength rises, and 1 gives exactly the drawing.

    Args:
        photo: RGB ``uint8 (H, W, 3)``.
        drawn: the same size, in full strength.
        strength: 0 to 1.
        region: ``uint8 (H, W)``, 255 where the drawing goes; None is everywhere.

    Returns:
        RGB ``uint8 (H, W, 3)``.

    """
    return _moved(photo, drawn, strength**_EXPONENT, region)


def fade(photo: Pixels, strength: float, region: Pixels | None = None) -> Pixels:
    """``photo`` with less colour, to be blended at the same strength with a drawing that has none.

    Its colour then goes ahead of its light: of both together, the cube of what is left of the
    photograph.

    Args:
        photo: RGB ``uint8 (H, W, 3)``.
        strength: 0 to 1.
        region: ``uint8 (H, W)``, 255 where the drawing goes; None is everywhere.

    Returns:
        RGB ``uint8 (H, W, 3)``.

    """
    left = (1 - strength**_EXPONENT) ** (_COLOUR_EXPONENT - 1)
    return _moved(photo, without_colour(photo), 1 - left, region)


def _moved(photo: Pixels, other: Pixels, share: float, region: Pixels | None) -> Pixels:
    """``photo`` moved towards ``other`` by ``share`` of the way, within ``region``."""
    weight = round(share * _WHOLE)
    result = np.empty_like(photo)
    for top in range(0, photo.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        distance = other[rows].astype(np.int32) - photo[rows]
        if region is None:
            distance *= weight
        else:
            distance *= (region[rows].astype(np.int32) * weight // _OPAQUE)[..., np.newaxis]
        distance += _WHOLE // 2
        distance >>= 16
        result[rows] = photo[rows] + distance
    return result
