"""Small pictures with their texture taken out and their edges kept, as a first coat of paint."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels
from studio.tools.cartoon.filters import Floats, mixed, to_pixels
from studio.tools.cartoon.recipes import Recipe
from studio.tools.cartoon.skin import Parts

_PASSES = 2
_KAPPA = 2.0
"""Growth of the smoothing's weight from one iteration to the next."""
_SKIN_EPS = 18.0**2
_SKIN_RADIUS_PER_PX = 8 / 512
_BROW_SHARE, _LIP_SHARE, _MOUTH_SHARE = 0.6, 0.7, 0.6
"""How much of brows, lips and open mouths is kept, as parts of what is kept of eyes."""


def flatten(rgb: Floats, parts: Parts, recipe: Recipe) -> Floats:
    """RGB ``float32 (H, W, 3)`` in even areas; eyes and lips keep their detail.

    By L0 gradient minimisation (Xu et al., Image Smoothing via L0 Gradient Minimization,
    2011), which wraps round the border; so the picture must come with one to be cut off.
    """
    pixels = to_pixels(rgb)
    soft = _softened(pixels, recipe.soften_levels)
    flat = _even(soft, recipe.flatness)
    if recipe.skin_flatness != recipe.flatness:
        flat = mixed(flat, _even(soft, recipe.skin_flatness), parts.skin)
    if recipe.smooth_skin:
        radius_px = max(2, int(_SKIN_RADIUS_PER_PX * max(pixels.shape)))
        smooth = cv2.ximgproc.guidedFilter(pixels, pixels, radius_px, _SKIN_EPS)
        flat = mixed(flat, np.asarray(smooth, np.float32), parts.skin * recipe.smooth_skin)
    kept = parts.eyes + _BROW_SHARE * parts.brows + _LIP_SHARE * parts.lips
    kept = np.clip(kept, 0, 1) * np.float32(recipe.keep_features)
    kept = np.maximum(kept, parts.mouths * np.float32(_MOUTH_SHARE))
    return mixed(flat, rgb, kept)


def _softened(pixels: Pixels, levels: float) -> Pixels:
    """Without grain of up to about ``levels``; 0 changes nothing."""
    for _ in range(_PASSES if levels else 0):
        pixels = np.asarray(cv2.bilateralFilter(pixels, 5, levels, 3), np.uint8)
    return pixels


def _even(pixels: Pixels, flatness: float) -> Floats:
    if not flatness:
        return pixels.astype(np.float32)
    return np.asarray(cv2.ximgproc.l0Smooth(pixels, None, flatness, _KAPPA), np.float32)
