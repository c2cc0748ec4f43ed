"""Finishing a mask for inpainting: the steps, whatever measures distances and blurs.

A run takes them with OpenCV on the whole picture, a page's preview without it on a reduced one.
Light: the web process imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels
from studio.params import HOLE_LEVEL

Flags = npt.NDArray[np.bool_]
IsNear = Callable[[Flags, float], npt.NDArray[Any]]
"""Whether each pixel lies within so many pixels, Euclidean, of one that is set, ``bool (H, W)``."""
Blur = Callable[[Pixels, float], Pixels]
"""A mask blurred by a Gaussian of this standard deviation in pixels."""

_LEAST_PX = 0.5
"""Shorter lengths, of a reduced picture, show nothing."""
_SIGMAS = 3
"""So many standard deviations hold all of a Gaussian that eight bits can show."""


def hardened(mask: Pixels) -> Pixels:
    """``mask``, ``uint8 (H, W)``, without half-tones: 255 from ``HOLE_LEVEL`` on, 0 below."""
    return np.where(mask >= HOLE_LEVEL, np.uint8(255), np.uint8(0))


def with_box(mask: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    """The union of ``mask``, ``uint8 (H, W)``, and a box: left, top, right, bottom in pixels."""
    left, top, right, bottom = box
    joined = mask.copy()
    joined[top:bottom, left:right] = 255
    return joined


def finished(
    mask: Pixels,
    *,
    invert: bool,
    grow_px: float,
    feather_px: float,
    is_near: IsNear,
    blur: Blur,
) -> Pixels:
    """``mask`` inverted if asked for, then grown, then feathered; ``uint8 (H, W)``.

    Args:
        mask: ``uint8 (H, W)``, 255 = repainted; not changed.
        invert: whether what is masked and what is not change places, before all else.
        grow_px: radius of the disc that widens it; a negative one narrows it.
        feather_px: how far it fades out beyond its edge; what is masked wholly stays so.
        is_near: measures distances.
        blur: fades.

    """
    if invert:
        mask = np.asarray(255 - mask, dtype=np.uint8)
    return soften(grow(mask, grow_px, is_near), feather_px, blur)


def grow(mask: Pixels, distance_px: float, is_near: IsNear) -> Pixels:
    """``mask``, ``uint8 (H, W)``, widened by a disc of this radius; narrowed by a negative one.

    What is masked from ``HOLE_LEVEL`` on counts as inside.
    """
    if abs(distance_px) < _LEAST_PX:
        return mask
    if distance_px < 0:
        return np.asarray(255 - grow(255 - mask, -distance_px, is_near), dtype=np.uint8)
    return np.where(is_near(mask >= HOLE_LEVEL, distance_px), np.uint8(255), mask)


def soften(mask: Pixels, reach_px: float, blur: Blur) -> Pixels:
    """``mask``, ``uint8 (H, W)``, faded outwards over ``reach_px``; 255 stays 255."""
    if reach_px < _LEAST_PX:
        return mask
    return np.asarray(np.maximum(mask, blur(mask, reach_px / _SIGMAS)), dtype=np.uint8)
