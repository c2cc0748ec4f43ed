"""Small previews for lists and tiles, light enough for the web process."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from studio.imaging.blend import composite
from studio.imaging.picture import Picture, Pixels

THUMBNAIL_SIDE_PX = 256

_CHECK_PX = 8
_CHECK_LEVELS = (255, 232)
_JPEG_QUALITY = 82


def thumbnail(picture: Picture, max_side_px: int = THUMBNAIL_SIDE_PX) -> bytes:
    """JPEG of ``picture`` no wider or taller than ``max_side_px``, never enlarged.

    Alpha is shown over a light checkerboard.
    """
    small = shrink(picture, max_side_px)
    pixels = small.pixels
    if small.alpha is not None:
        pixels = composite(pixels, small.alpha, _checkerboard(small.height, small.width))
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def shrink(picture: Picture, max_side_px: int) -> Picture:
    """``picture`` no wider or taller than ``max_side_px``, alpha included, never enlarged."""
    if max(picture.width, picture.height) <= max_side_px:
        return picture
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    # Pillow weighs colours by alpha here, so what is invisible does not bleed in
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    samples = np.asarray(image)
    return Picture(samples[..., :3], None if picture.alpha is None else samples[..., 3])


def _checkerboard(height_px: int, width_px: int) -> Pixels:
    """``uint8 (H, W, 3)`` light grey squares."""
    rows, columns = np.indices((height_px, width_px)) // _CHECK_PX
    levels = np.array(_CHECK_LEVELS, dtype=np.uint8)[(rows + columns) % 2]
    return np.repeat(levels[..., np.newaxis], 3, axis=2)
