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


def repeat_pixels(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """``pixels`` at a given size without a level that was not there: the nearest pixel each.

    Args:
        pixels: ``uint8 (H, W, 3)`` or ``(H, W)``.
        width_px: of the result.
        height_px: of the result.

    """
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((width_px, height_px), Image.Resampling.NEAREST))


def cover(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """The largest centred part of ``pixels`` with the given proportions, at the given size."""
    height, width = pixels.shape[:2]
    ratio = min(width / width_px, height / height_px)
    # The side that decides is taken whole; its margin may come out as a rounding below 0.
    left, top = max(width - width_px * ratio, 0) / 2, max(height - height_px * ratio, 0) / 2
    return resample(pixels, width_px, height_px, box=(left, top, width - left, height - top))
