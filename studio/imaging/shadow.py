"""The shadow that a cut-out subject drops on what lies behind it."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels
from studio.imaging.surroundings import blur_wide

_REACH_SIGMAS = 3
"""Further out a Gaussian is below what eight bits can show."""


def shadow_alpha(alpha: Pixels, *, x_px: int, y_px: int, sigma_px: float, opacity: float) -> Pixels:
    """Opacity of the shadow of what ``alpha`` shows.

    What the picture's border cuts goes on beyond it, so a portrait's shadow meets the lower
    border as the portrait does.

    Args:
        alpha: of all that drops the shadow, ``uint8 (H, W)``; not changed.
        x_px: offset to the right, negative to the left.
        y_px: offset downwards, negative upwards.
        sigma_px: of the Gaussian that softens it, 0 or more.
        opacity: of its darkest part, 0 to 1.

    Returns:
        ``uint8 (H, W)``.

    """
    height, width = alpha.shape
    shift = np.array([[1, 0, x_px], [0, 1, y_px]], np.float64)
    dropped = np.asarray(
        cv2.warpAffine(
            alpha, shift, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.uint8,
    )
    if sigma_px:
        dropped = blur_wide(dropped, sigma_px)
    weakened: Pixels = np.rint(dropped * np.float32(opacity)).astype(np.uint8)
    return weakened


def shadow_reach_px(x_px: int, y_px: int, sigma_px: float) -> tuple[int, int, int, int]:
    """How far the shadow shows beyond its subject: left, top, right, bottom."""
    soft_px = round(_REACH_SIGMAS * sigma_px)
    return (
        max(soft_px - x_px, 0),
        max(soft_px - y_px, 0),
        max(soft_px + x_px, 0),
        max(soft_px + y_px, 0),
    )
