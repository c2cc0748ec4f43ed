"""cv2's filters on float planes, with the types and borders that the drawing code relies on."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels

Floats = npt.NDArray[np.floating[Any]]
"""float32 throughout; numpy's annotations lose the width in arithmetic."""

_REDUCE_FROM_PX = 8.0
"""A Gaussian this wide leaves nothing that half the pixels could not hold."""


def blurred(image: Floats, sigma_px: float) -> Floats:
    """Gaussian blur; wide ones run on a reduced picture, which they leave no detail for.

    Args:
        image: ``float32 (H, W)`` or ``(H, W, 3)``.
        sigma_px: standard deviation, above 0.

    """
    if sigma_px < _REDUCE_FROM_PX:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)
    height, width = image.shape[:2]
    reduction = int(sigma_px * 2 // _REDUCE_FROM_PX)
    small = resized(image, max(width // reduction, 1), max(height // reduction, 1))
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), sigma_px / reduction), np.float32)
    return resized(small, width, height, cv2.INTER_LINEAR)


def resized(
    image: Floats | Pixels, width_px: int, height_px: int, enlarge_by: int = cv2.INTER_CUBIC
) -> Floats:
    """``image`` at another size: averaged down, or enlarged by a filter of cv2."""
    is_smaller = width_px * height_px < image.shape[0] * image.shape[1]
    filter_ = cv2.INTER_AREA if is_smaller else enlarge_by
    array = np.asarray(image, np.float32)
    return np.asarray(cv2.resize(array, (width_px, height_px), interpolation=filter_), np.float32)


def sampled(image: Floats, x: Floats, y: Floats, interpolation: int = cv2.INTER_LINEAR) -> Floats:
    """``image`` read at ``float32 (H, W)`` positions in px; outside, its border goes on."""
    read = cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float32)


def grid(height_px: int, width_px: int) -> tuple[Floats, Floats]:
    """The x and the y of every pixel, ``float32 (H, W)`` each."""
    x = np.arange(width_px, dtype=np.float32)
    y = np.arange(height_px, dtype=np.float32)
    across, down = np.meshgrid(x, y)
    return across, down


def clipped(values: Floats, low: float = 0, high: float = 1) -> Floats:
    """``values`` within bounds, ``float32``."""
    return np.asarray(np.clip(values, low, high), np.float32)


def ramp(values: Floats, low: float, high: float) -> Floats:
    """0 up to ``low``, 1 from ``high`` on, and a smooth S between."""
    t = clipped((values - np.float32(low)) / np.float32(high - low))
    return t * t * (3 - 2 * t)


def mixed(first: Floats, second: Floats | float, weight: Floats | float) -> Floats:
    """``first`` where ``weight`` is 0, ``second`` where it is 1; planes weigh all channels."""
    if isinstance(weight, np.ndarray) and first.ndim > weight.ndim:
        weight = weight[..., np.newaxis]
    return np.asarray(first + (second - first) * weight, np.float32)


def to_lab(rgb: Floats | Pixels) -> Floats:
    """CIE Lab ``float32 (H, W, 3)``, L 0 to 100, from RGB 0 to 255."""
    unit = np.asarray(rgb, np.float32) * np.float32(1 / 255)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2Lab), np.float32)


def to_rgb(lab: Floats) -> Floats:
    """RGB ``float32 (H, W, 3)``, 0 to 255, clipped to what a screen shows."""
    rgb = np.asarray(cv2.cvtColor(np.asarray(lab, np.float32), cv2.COLOR_Lab2RGB), np.float32)
    return clipped(rgb * np.float32(255), 0, 255)


def to_pixels(rgb: Floats) -> Pixels:
    """``uint8``, rounded and clipped, from 0 to 255."""
    return np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)
