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


def over(
    colours: Pixels, alpha: Pixels, under_colours: Pixels, under_alpha: Pixels
) -> tuple[Pixels, Pixels]:
    """One transparent layer over another: the colours, not premultiplied, and the alpha of both.

    Args:
        colours: of the upper layer, ``uint8`` that broadcasts to ``(H, W, 3)``.
        alpha: of the upper layer, ``uint8 (H, W)``.
        under_colours: of the lower layer, ``uint8`` that broadcasts to ``(H, W, 3)``.
        under_alpha: of the lower layer, ``uint8 (H, W)``.

    Returns:
        ``uint8 (H, W, 3)`` and ``uint8 (H, W)``.

    """
    top = alpha.astype(np.uint32) * 255
    bottom = (255 - alpha).astype(np.uint32) * under_alpha
    total = top + bottom
    # The upper layer's share of what is seen, so that colours mix by what they cover.
    share = (top * 255 + total // 2) // np.maximum(total, 1)
    mixed = composite(
        np.broadcast_to(colours, (*alpha.shape, 3)), share.astype(np.uint8), under_colours
    )
    return mixed, ((total + 127) // 255).astype(np.uint8)
