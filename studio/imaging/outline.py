"""An outline of even width round a subject, as a sticker has it."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.masks import SOLID_LEVEL
from studio.imaging.picture import Pixels


def outline_alpha(alpha: Pixels, width_px: float) -> Pixels:
    """Opacity of an outline that lies under the subject and reaches ``width_px`` beyond it.

    It follows the body of the subject, so single hairs stick out of it rather than each
    getting a tube of its own. Its own edge is one pixel soft. The picture's border is no edge.

    Args:
        alpha: of the subject, ``uint8 (H, W)``; not changed.
        width_px: above 0.

    Returns:
        ``uint8 (H, W)``; 255 under the whole body of the subject.

    """
    outside = (alpha < SOLID_LEVEL).astype(np.uint8)
    if outside.all():
        return np.zeros_like(alpha)
    distance_px = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # The nearest body pixel's centre lies half a pixel inside of the body's edge.
    cover = np.clip(width_px + 1 - distance_px, 0, 1)
    opacity: Pixels = np.rint(cover * 255).astype(np.uint8)
    return opacity
