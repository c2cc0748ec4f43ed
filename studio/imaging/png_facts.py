"""What a PNG says about its samples beside what Pillow makes of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from struct import unpack_from

from PIL import Image

from studio.imaging.containers import png_chunks

_SRGB_GAMMA = 1 / 2.2
_SAME_GAMMA = 0.02
"""Editors round 1 / 2.2 in several ways."""
_GAMMAS = (0.1, 10.0)
"""Beyond these a gamma is a mistake."""
_SRGB_CODES = (1, 13)
"""Primaries and transfer function of sRGB, as ITU-T H.273 numbers them."""


@dataclass(frozen=True, slots=True)
class PngFacts:
    """Of the chunks before the pixels.

    Attributes:
        bits: of a sample.
        gamma: to be undone; None when it is that of sRGB, or other chunks overrule it.
        has_foreign_codes: whether a cICP chunk names another colour space than sRGB.

    """

    bits: int
    gamma: float | None
    has_foreign_codes: bool


def png_facts(data: bytes) -> PngFacts:
    """Read from the chunks before the pixels; of a sound PNG."""
    found: dict[bytes, int] = {}
    try:
        for chunk in png_chunks(data):
            if chunk.kind == b"IDAT":
                break
            found.setdefault(chunk.kind, chunk.start + 8)
        codes = tuple(data[found[b"cICP"] :][:2]) if b"cICP" in found else None
        return PngFacts(data[24], _gamma(data, found), codes not in (None, _SRGB_CODES))
    except (struct.error, IndexError):
        return PngFacts(8, None, False)


def scale_transparent_level(image: Image.Image, bits: int) -> None:
    """Bring the transparent level of a PNG to the scale of its samples, in place.

    Pillow stretches samples of 2 and 4 bits to 8 and cuts colour of 16, and leaves this as it was.
    """
    level = image.info.get("transparency")
    if image.mode == "L" and isinstance(level, int) and bits < 8:
        image.info["transparency"] = (level & (2**bits - 1)) * 255 // (2**bits - 1)
    elif image.mode == "RGB" and isinstance(level, tuple) and bits == 16:
        image.info["transparency"] = tuple(channel >> 8 for channel in level)


def _gamma(data: bytes, found: dict[bytes, int]) -> float | None:
    if b"gAMA" not in found or {b"iCCP", b"sRGB", b"cICP"} & found.keys():
        return None
    gamma = unpack_from(">I", data, found[b"gAMA"])[0] / 100_000
    is_odd = not _GAMMAS[0] <= gamma <= _GAMMAS[1]
    return None if is_odd or abs(gamma - _SRGB_GAMMA) < _SAME_GAMMA else gamma
