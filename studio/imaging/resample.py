"""Change of size by interpolation, without aliasing."""

from __future__ import annotations

import numpy as np
from PIL import Image

from studio.imaging.picture import Pixels


def resample(
    pixels: Pixels,
    width_px: int,
    height_px: int,
    *,
    box: tuple[float, float, float, float] | None = None,
) -> Pixels:
    """Lanczos interpolation of RGB or grey ``pixels`` to a given size, larger or smaller.

    Args:
        pixels: ``uint8 (H, W, 3)`` or ``(H, W)``.
        width_px: of the result.
        height_px: of the result.
        box: left, top, right, bottom of the part to take; all of it when None.

    """
    image = Image.fromarray(pixels)
    resized = image.resize((width_px, height_px), Image.Resampling.LANCZOS, box=box)
    return np.asarray(resized)


def fit_long_side(width_px: int, height_px: int, long_side_px: int | None) -> tuple[int, int]:
    """Width and height with the longer one as given, smaller or larger; None keeps both."""
    if long_side_px is None:
        return width_px, height_px
    ratio = long_side_px / max(width_px, height_px)
    return max(round(width_px * ratio), 1), max(round(height_px * ratio), 1)


def cover(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """The largest centred part of ``pixels`` with the given proportions, at the given size."""
    height, width = pixels.shape[:2]
    ratio = min(width / width_px, height / height_px)
    left, top = (width - width_px * ratio) / 2, (height - height_px * ratio) / 2
    return resample(pixels, width_px, height_px, box=(left, top, width - left, height - top))
