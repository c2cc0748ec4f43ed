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


def make_trimap(
    alpha: Pixels, *, foreground_threshold: int, background_threshold: int, erode_size_px: int
) -> Pixels:
    """Split ``alpha`` into certain subject, certain background and the band between them.

    The thresholds and the square are those of rembg and of most matting tools. The picture's
    border is no edge: a subject that it cuts stays certain up to it.

    Args:
        alpha: ``uint8 (H, W)``; not changed.
        foreground_threshold: a pixel above this may be certain subject, 0 to 255.
        background_threshold: a pixel below this may be certain background, 0 to 255.
        erode_size_px: side of the square by which both certain areas are eroded; 0 keeps them.

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
    eroded = cv2.erode(certain.view(np.uint8), np.ones((size_px, size_px), np.uint8))
    return np.asarray(eroded, dtype=np.bool_)
