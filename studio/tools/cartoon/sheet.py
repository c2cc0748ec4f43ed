"""The contact sheet: a photograph and every look of it, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from studio.imaging.picture import Pixels
from studio.params.sheet import CAPTIONS, PHOTO_CAPTION, SheetLayout

_GROUND = (250, 249, 246)
_LETTERS = (72, 70, 74)


def compose_sheet(layout: SheetLayout, pictures: Sequence[Pixels]) -> Pixels:
    """The photograph and its looks with their captions.

    Args:
        layout: of a sheet for pictures of this size.
        pictures: RGB ``uint8``, the photograph first, then one for each of ``CAPTIONS``.

    Returns:
        RGB ``uint8`` of ``layout.size``.

    """
    sheet = Image.new("RGB", layout.size, _GROUND)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(layout.font_px)
    captions = [PHOTO_CAPTION, *CAPTIONS.values()]
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        sheet.paste(Image.fromarray(picture), layout.corner(index))
        pen.text(layout.caption_middle(index), caption, _LETTERS, font, anchor="mm")
    return np.asarray(sheet)


def spread_mask(layout: SheetLayout, mask: Pixels) -> Pixels:
    """A mask of the photograph on every picture of the sheet, and 0 between them."""
    sheet = Image.new("L", layout.size)
    for index in range(len(CAPTIONS) + 1):
        sheet.paste(Image.fromarray(mask), layout.corner(index))
    return np.asarray(sheet)
