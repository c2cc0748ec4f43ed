"""Colour of 16 bits a sample, rounded to 8. Pillow reads its upper byte and drops the lower."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageFile

_OTHER_BYTE = {"16B": "16L", "16L": "16B", "16N": "16B"}
"""Raw modes of the other byte order take the lower byte for the upper; N is this machine's."""
_READABLE = ("RGB", "RGBA", "RGBX", "CMYK")


def can_be_rounded(image: ImageFile.ImageFile) -> bool:
    """Whether ``rounded`` is for this image; asked before it is loaded."""
    return bool(image.tile) and all(_other(_raw_mode(tile.args)) for tile in image.tile)


def rounded(upper: Image.Image, data: bytes, format_name: str) -> Image.Image:
    """``upper``, which holds the upper bytes, with each sample rounded to 8 bits.

    Args:
        upper: RGB, RGBA or CMYK as Pillow read it.
        data: the file.
        format_name: Pillow's name of its format.

    """
    with Image.open(BytesIO(data), formats=[format_name]) as image:
        image.tile = [tile._replace(args=_swapped(tile.args)) for tile in image.tile]
        image.load()
        low = np.asarray(image).astype(np.int16)
    high = np.asarray(upper).astype(np.int16)
    # 65,535 is 257 times 255, and (256 high + low) / 257 is high + (low - high) / 257.
    samples = (high + (low - high >= 129) - (high - low >= 129)).astype(np.uint8)
    made = Image.fromarray(samples, upper.mode)
    made.info = dict(upper.info)
    transparent = upper.info.get("transparency")
    if isinstance(transparent, tuple):
        is_clear = (256 * high + low == np.array(transparent)).all(axis=-1)
        made.putalpha(Image.fromarray(np.where(is_clear, 0, 255).astype(np.uint8)))
        del made.info["transparency"]
    return made


def _raw_mode(args: object) -> str:
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _other(raw_mode: str) -> str | None:
    name, _, order = raw_mode.partition(";")
    return f"{name};{_OTHER_BYTE[order]}" if name in _READABLE and order in _OTHER_BYTE else None


def _swapped(args: tuple[Any, ...] | str | None) -> tuple[Any, ...] | str | None:
    other = _other(_raw_mode(args))
    return (other, *args[1:]) if isinstance(args, tuple) else other
