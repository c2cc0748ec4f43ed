"""Parts of a face as soft masks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from studio.faces.face import Points
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

_SUBPIXEL_BITS = 4
_LEAST_SIGMA_PX = 0.3
_REACH_SIGMAS = 4.5
"""How far OpenCV's Gaussian of floats reaches, rounded up; beyond it all stays 0."""


def polygon(size: tuple[int, int], corners: Points, sigma_px: float = 0.0) -> Floats:
    """``float32 (h, w)``, 1 inside ``corners`` and soft by ``sigma_px`` at the edge.

    Args:
        size: width and height of the mask.
        corners: ``float32 (n, 2)`` in px, in order.
        sigma_px: of the Gaussian that softens.

    """
    filled = np.zeros(size[::-1], np.uint8)
    fixed = np.round(corners * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(filled, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    mask = np.zeros(size[::-1], np.float32)
    part = _surroundings(filled, 2 * math.ceil(_REACH_SIGMAS * sigma_px))
    mask[part] = soften(np.asarray(filled[part] / 255, np.float32), sigma_px)
    return mask


def _surroundings(mask: Pixels, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns of all that is not 0, and of ``margin_px`` around it."""
    left, top, width, height = cv2.boundingRect(mask)
    rows = slice(max(top - margin_px, 0), top + height + margin_px)
    return rows, slice(max(left - margin_px, 0), left + width + margin_px)


def union(size: tuple[int, int], parts: Sequence[Points], sigma_px: float) -> Floats:
    """Where any of the polygons is."""
    mask = np.zeros(size[::-1], np.float32)
    for corners in parts:
        np.maximum(mask, polygon(size, corners, sigma_px), out=mask)
    return mask


def scaled(corners: Points, factor: float) -> Points:
    """``corners`` moved away from, or towards, their middle."""
    middle = corners.mean(axis=0)
    return np.asarray(middle + (corners - middle) * factor, np.float32)


def soften(mask: Floats, sigma_px: float) -> Floats:
    """Gaussian blur; a sigma too small to show changes nothing."""
    if sigma_px <= _LEAST_SIGMA_PX:
        return mask
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma_px), np.float32)


def shrink(mask: Floats, distance_px: float) -> Floats:
    """Erode by a disc, of one pixel at least."""
    return np.asarray(cv2.erode(mask, disc(distance_px)), np.float32)


def grow(mask: Floats, distance_px: float) -> Floats:
    """Dilate by a disc, of one pixel at least."""
    return np.asarray(cv2.dilate(mask, disc(distance_px)), np.float32)


def disc(radius_px: float) -> Pixels:
    """A kernel for OpenCV's morphology, ``uint8 (2 r + 1, 2 r + 1)``, r one pixel at least."""
    reach = max(1, round(radius_px))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2), np.uint8)
