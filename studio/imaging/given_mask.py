"""What a picture says when it is given as a mask. Light: the web process imports it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from studio.imaging.picture import Picture, Pixels
from studio.words import Message, msg


def mask_levels(mask: Picture) -> tuple[Pixels, Message | None]:
    """How far each pixel is masked, ``uint8 (H, W)``, and a note on what was read.

    There is no note for a grey mask, which leaves no doubt.

    The alpha counts where it has more than one level; else the brightness of the colours, which of
    a mask in one colour, such as red on black, is its brightest channel. A mask of just two levels
    is read by them, whatever they are: the lower leaves, the higher masks.

    Args:
        mask: decoded as numbers.

    """
    if mask.alpha is not None and not _is_flat(mask.alpha):
        return _stretched(mask.alpha), msg("The mask was read from its transparency.")
    grey = np.asarray(Image.fromarray(mask.pixels).convert("L"))
    brightest = mask.pixels.max(axis=-1)
    if (mask.pixels == brightest[..., np.newaxis]).all():
        return _stretched(grey), None
    if _is_flat(brightest):
        return _stretched(grey), msg("The mask was read from its brightness.")
    note = msg("The mask was read from the brightest of its colour channels.")
    return _stretched(brightest), note


def _stretched(levels: Pixels) -> Pixels:
    """Two levels become 0 and 255; more of them, or one, stay."""
    low, high = levels.min(), levels.max()
    if low == high or ((levels != low) & (levels != high)).any():
        return levels
    return np.where(levels == high, np.uint8(255), np.uint8(0))


def _is_flat(levels: Pixels) -> bool:
    return bool(levels.min() == levels.max())
