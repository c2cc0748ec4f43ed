"""Filling by what flows in from the edge: smooth, for scratches; no texture.

Bertalmio et al., "Navier-Stokes, fluid dynamics, and image and video inpainting", 2001;
Telea, "An image inpainting technique based on the fast marching method", 2004.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage.restoration import inpaint_biharmonic

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

_RADIUS_PX = 3.0


def telea(pixels: Pixels, hole: Pixels) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with ``hole`` (255) filled by fast marching."""
    return np.asarray(cv2.inpaint(pixels, hole, _RADIUS_PX, cv2.INPAINT_TELEA), dtype=np.uint8)


def navier_stokes(pixels: Pixels, hole: Pixels) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with ``hole`` (255) filled along lines of equal brightness."""
    return np.asarray(cv2.inpaint(pixels, hole, _RADIUS_PX, cv2.INPAINT_NS), dtype=np.uint8)


def biharmonic(pixels: Pixels, hole: Pixels) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with ``hole`` (255) filled by the smoothest possible surface."""
    filled: Floats = inpaint_biharmonic(pixels, hole > 0, channel_axis=2)
    return np.rint(np.clip(filled, 0, 1) * 255).astype(np.uint8)
