"""What a picture says when it is given as a mask. Light: the web process imports it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from studio.imaging.picture import Picture, Pixels
from studio.words import Message, msg


def mask_levels(mask: Picture) -> tuple[Pixels, Message | None]:
    """How far each pixel is masked, ``uint8 (H, W)``, and a note on what was read.

    As ``read_mask``; but a mask of just two levels is read by them, whatever they are: the lower
    leaves, the higher masks.
    """
    levels, note = read_mask(mask)
    return _stretched(levels), note


def read_mask(mask: Picture) -> tuple[Pixels, Message | None]:
    """The levels of a mask as its file has them, ``uint8 (H, W)``, and a note on what was read.

    There is no note for a grey mask, which leaves no doubt.

    The alpha counts where it has more than one level, but for a mask in black and white that was
    erased in places: there they count, and what is transparent is black. Else it is the brightness
    of the colours, which of a mask in one colour, such as red on black, is its brightest channel.

    Args:
        mask: decoded as numbers.

    """
    brightest = mask.pixels.max(axis=-1)
    if mask.alpha is not None and not _is_flat(mask.alpha):
        if not _is_black_and_white(mask.pixels[mask.alpha > 0]):
            return mask.alpha, msg("The mask was read from its transparency.")
        note = msg("The mask was read from its black and white; transparent counts as black.")
        return _times(brightest, mask.alpha), note
    if _is_grey(mask.pixels):
        return brightest, None
    if _is_flat(brightest):
        grey = np.asarray(Image.fromarray(mask.pixels).convert("L"))
        return grey, msg("The mask was read from its brightness.")
    return brightest, msg("The mask was read from the brightest of its colour channels.")


def _is_black_and_white(colours: Pixels) -> bool:
    """Whether ``(N, 3)`` are grey, and more than half black or white, with some of each.

    A grey photograph holds a few of both.
    """
    is_black, is_white = colours[:, 0] == 0, colours[:, 0] == 255
    are_most = 2 * np.count_nonzero(is_black | is_white) > len(colours)
    return bool(are_most and is_black.any() and is_white.any() and _is_grey(colours))


def _is_grey(colours: Pixels) -> bool:
    return bool((colours == colours[..., :1]).all())


def _times(levels: Pixels, opacity: Pixels) -> Pixels:
    """``levels`` seen on black through ``opacity``, both ``uint8``."""
    product = levels.astype(np.uint16) * opacity
    return ((product + 127) // 255).astype(np.uint8)


def _stretched(levels: Pixels) -> Pixels:
    """Two levels become 0 and 255; more of them, or one, stay."""
    low, high = levels.min(), levels.max()
    if low == high or ((levels != low) & (levels != high)).any():
        return levels
    return np.where(levels == high, np.uint8(255), np.uint8(0))


def _is_flat(levels: Pixels) -> bool:
    return bool(levels.min() == levels.max())
