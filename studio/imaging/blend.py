"""Putting one picture over another, without cv2."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels


def composite(foreground: Pixels, alpha: Pixels, background: Pixels) -> Pixels:
    """``foreground`` over ``background``, rounded to the nearest level.

    Args:
        foreground: ``uint8 (H, W, 3)``, not premultiplied.
        alpha: ``uint8 (H, W)``, 255 = foreground.
        background: ``uint8`` that broadcasts to ``(H, W, 3)``, such as one RGB colour ``(3,)``.

    Returns:
        ``uint8 (H, W, 3)``.

    """
    weight = alpha[..., np.newaxis].astype(np.uint16)
    blended = foreground * weight
    blended += background * (255 - weight)
    # (x + 128 + (x + 128 >> 8)) >> 8 is x / 255 rounded, exact for every uint16 up to 255 * 255
    blended += 128
    blended += blended >> 8
    blended >>= 8
    return blended.astype(np.uint8)
