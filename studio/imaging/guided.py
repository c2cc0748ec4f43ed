"""Guided upsampling: an alpha or the like, found on a reduced picture, at full size.

It follows the edges of the picture itself.

He and Sun, Fast Guided Filter (2015). OpenCV's own filter sums windows in ``float32``; of
large, nearly flat parts its covariances come out negative, and its result is not finite.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels

_Floats = npt.NDArray[np.floating[Any]]


def guided_upsample(
    values: _Floats, reduced: Pixels, pixels: Pixels, *, radius_px: int, epsilon: float
) -> _Floats:
    """Enlarge ``values`` to the size of ``pixels``, along the edges of these (guided filter).

    In each window they become a linear function of the colour.

    Args:
        values: found on ``reduced``, ``(h, w)``, finite.
        reduced: ``pixels`` made smaller, RGB ``uint8 (h, w, 3)``.
        pixels: RGB ``uint8 (H, W, 3)``.
        radius_px: of the square window, in pixels of ``reduced``.
        epsilon: colours that vary less than this count as flat, in squared levels.

    Returns:
        ``float32 (H, W)``, finite; at edges it may leave the range of ``values`` a little.

    """
    slopes, offset = _lines(reduced.astype(np.float64), values, radius_px, epsilon)
    height, width = pixels.shape[:2]
    upsampled = _resized(offset, width, height)
    for channel in range(3):
        slope = _resized(slopes[..., channel], width, height)
        slope *= pixels[..., channel]
        upsampled += slope
    return upsampled


def _lines(
    guide: _Floats, values: _Floats, radius_px: int, epsilon: float
) -> tuple[_Floats, _Floats]:
    """Slopes ``(h, w, 3)`` and offset ``(h, w)`` of ``values`` over colour, by least squares.

    In ``float64`` rounding is far below ``epsilon``, so every covariance can be inverted.
    """

    def mean(numbers: _Floats) -> _Floats:
        side_px = 2 * radius_px + 1
        return np.asarray(cv2.blur(numbers, (side_px, side_px)), dtype=np.float64)

    colour, value = mean(guide), mean(values)
    shared = mean(guide * values[..., np.newaxis]) - colour * value[..., np.newaxis]
    covariance = np.empty((*guide.shape, 3))
    for row in range(3):
        products = mean(guide * guide[..., row, np.newaxis])
        covariance[..., row] = products - colour * colour[..., row, np.newaxis]
    covariance += epsilon * np.eye(3)
    slopes = np.linalg.solve(covariance, shared[..., np.newaxis])[..., 0]
    offset = value - (slopes * colour).sum(axis=2)
    return mean(slopes), mean(offset)


def _resized(numbers: _Floats, width: int, height: int) -> _Floats:
    return np.asarray(
        cv2.resize(numbers.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    )
