"""Where an alpha is certain and where it has to be worked out."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels

_Flags = npt.NDArray[np.bool_]

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
"""The three levels of a trimap."""
_ALL = 0.999
"""A share above this is all of a pixel, but for rounding."""
_SPARING_PX = 10
"""No part is eroded by less: what vanishes under this square may be strands of hair."""


def make_trimap(
    alpha: Pixels, *, foreground_threshold: int, background_threshold: int, erode_size_px: int
) -> Pixels:
    """Split ``alpha`` into certain subject, certain background and the band between them.

    The thresholds and the square are those of rembg and of most matting tools. The picture's
    border is no edge: a subject that it cuts stays certain up to it. A square beyond 10 px is
    halved, to 10 at the least, where a part is less than twice as wide: parts of 19 px or more
    keep at least half of their width, so that no head or arm vanishes. Narrower ones shrink by
    9 px, and those of 9 px or less are in doubt throughout. The width that counts is the side
    of the widest square that fits: of a part that slants by 45°, 0.7 of its width.

    Args:
        alpha: ``uint8 (H, W)``; not changed.
        foreground_threshold: a pixel above this may be certain subject, 0 to 255.
        background_threshold: a pixel below this may be certain background, 0 to 255.
        erode_size_px: side of the square by which both certain areas are eroded, which takes
            one pixel less off their width; 0 keeps them.

    Returns:
        ``uint8 (H, W)`` of ``BACKGROUND``, ``UNKNOWN`` and ``FOREGROUND``.

    """
    trimap = np.full(alpha.shape, UNKNOWN, np.uint8)
    trimap[_eroded(alpha > foreground_threshold, erode_size_px)] = FOREGROUND
    trimap[_eroded(alpha < background_threshold, erode_size_px)] = BACKGROUND
    return trimap


def shrink_trimap(trimap: Pixels, width_px: int, height_px: int) -> Pixels:
    """The trimap of a smaller picture: certain only where all the pixels beneath agree."""
    shrunk = np.full((height_px, width_px), UNKNOWN, np.uint8)
    for level in (BACKGROUND, FOREGROUND):
        share = cv2.resize(
            (trimap == level).astype(np.float32),
            (width_px, height_px),
            interpolation=cv2.INTER_AREA,
        )
        shrunk[np.asarray(share) > _ALL] = level
    return shrunk


def _eroded(certain: _Flags, size_px: int) -> _Flags:
    if not size_px:
        return certain
    # Outside of the picture cv2 takes everything for set, so its border erodes nothing.
    eroded = _by_square(cv2.MORPH_ERODE, certain, size_px)
    if size_px <= _SPARING_PX:
        return eroded
    is_wide = _by_square(cv2.MORPH_OPEN, certain, 2 * size_px - 1)
    return np.where(is_wide, eroded, _eroded(certain, max(size_px // 2, _SPARING_PX)))


def _by_square(operation: int, flags: _Flags, side_px: int) -> _Flags:
    square = np.ones((side_px, side_px), np.uint8)
    return np.asarray(cv2.morphologyEx(flags.view(np.uint8), operation, square), dtype=np.bool_)
