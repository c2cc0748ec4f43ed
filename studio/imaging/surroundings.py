"""Colours of one region carried into another, such as a background without its subject."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Picture, Pixels
from studio.imaging.spread import spread

_Floats = npt.NDArray[np.float32]
_Samples = npt.NDArray[Any]
_Flags = npt.NDArray[np.bool_]

_MIXED_EDGE_PX = 3
"""Pixels this near the subject still carry some of its colour (lens blur, JPEG blocks)."""
_MIXED_ALPHA = 25
"""Above this alpha a pixel is not taken for background."""
_FILL_REDUCTION = 2
"""Filled areas are smooth, so they are computed this much smaller."""
_REDUCED_SIGMA_PX = 4.0
"""A wide blur is computed on a picture so much smaller that this sigma remains."""
_TINY = 1e-6


def blur_background(pixels: Pixels, alpha: Pixels, sigma_px: float) -> Pixels:
    """Blur ``pixels`` as if the subject were not there, so that its colours cast no halo.

    The subject is first replaced by the background colours around it, then a Gaussian of
    ``sigma_px`` runs over the whole.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        alpha: of the subject, ``uint8 (H, W)``.
        sigma_px: at least 1.

    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _MIXED_EDGE_PX + 1,) * 2)
    subject = np.asarray(cv2.dilate(alpha, kernel)) > _MIXED_ALPHA
    return blur_wide(_fill(pixels, subject), sigma_px)


def fill_hidden(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Give fully transparent pixels the colour of the nearest visible ones.

    What lies there is arbitrary, often black, and would bleed into the edge as soon as
    neighbouring pixels are mixed. Visible pixels are returned unchanged.
    """
    return _fill(pixels, alpha == 0)


def visible_pixels(picture: Picture) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` without what lies under alpha 0, which is no part of the picture.

    In its place the visible colours go on smoothly.
    """
    return picture.pixels if picture.alpha is None else fill_hidden(picture.pixels, picture.alpha)


def _fill(pixels: Pixels, missing: _Flags) -> Pixels:
    """Continue the known colours smoothly over ``missing``."""
    if not missing.any() or missing.all():
        return pixels
    height, width = missing.shape
    size = (-(-width // _FILL_REDUCTION), -(-height // _FILL_REDUCTION))
    known = np.where(missing, np.uint8(0), np.uint8(255))
    weight: _Floats = np.divide(_smaller(known.astype(np.float32), size), 255)
    # Averaged over known pixels alone: what lies under the others must not come in. Sixteen
    # bits keep the average exact at half the memory of floats.
    masked = np.multiply(cv2.bitwise_and(pixels, pixels, mask=known), 257, dtype=np.uint16)
    shares = 257 * np.maximum(weight, _TINY)[..., np.newaxis]
    colour: _Floats = np.divide(_smaller(masked, size), shares)
    smooth = _bytes(spread(colour, weight))
    filled: Pixels = np.where(missing[..., None], _larger(smooth, (width, height)), pixels)
    return filled


def blur_wide(pixels: Pixels, sigma_px: float) -> Pixels:
    """A Gaussian of any width in about the same time; borders are continued outwards.

    Args:
        pixels: ``uint8 (H, W, 3)`` or ``(H, W)``.
        sigma_px: above 0.

    """
    height, width = pixels.shape[:2]
    factor = int(sigma_px / _REDUCED_SIGMA_PX)
    if factor < 2:
        return _gaussian(pixels, sigma_px)
    size = (max(round(width / factor), 1), max(round(height / factor), 1))
    # Averaging and bilinear enlargement blur too; together their variance is factor²/4.
    sigma = ((sigma_px / factor) ** 2 - 0.25) ** 0.5
    blurred = _gaussian(_smaller(pixels, size), sigma)
    return _bytes(_larger(blurred, (width, height)))


def _bytes(values: _Samples) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _gaussian(values: _Samples, sigma: float) -> _Samples:
    blurred = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, dtype=values.dtype)


def _smaller(values: _Samples, size: tuple[int, int]) -> _Samples:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _larger(values: _Samples, size: tuple[int, int]) -> _Samples:
    enlarged = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged, dtype=values.dtype)
