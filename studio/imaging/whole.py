"""Tells kinds of files that no reader takes from damaged ones: the former are whole."""

from __future__ import annotations

from io import BytesIO
from itertools import chain
from struct import unpack_from

from PIL import TiffImagePlugin

from studio.imaging import sniff

_COMPRESSION = 259
_USUAL_COMPRESSIONS = {*range(1, 9), 32773, 32946}
_PLACES = ((273, 279), (324, 325))
"""Tags of where strips and tiles lie and how long they are."""
_BMP_HEADER_BYTES = 54


def is_whole(data: bytes, file_type: sniff.FileType) -> bool:
    """Whether a TIFF or BMP holds all the bytes it speaks of; False for other kinds."""
    if file_type is sniff.BMP:
        return len(data) >= max(int(unpack_from("<I", data, 2)[0]), _BMP_HEADER_BYTES)
    return file_type is sniff.TIFF and _has_all_strips(data)


def is_oddly_packed(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Whether a TIFF is compressed in a way that readers need not know."""
    return image.tag_v2.get(_COMPRESSION, 1) not in _USUAL_COMPRESSIONS


def _has_all_strips(data: bytes) -> bool:
    is_big = data[2:4] in (b"+\0", b"\0+")
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if is_big else 8])
    file = BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    pairs = [(tags.get(at), tags.get(size)) for at, size in _PLACES]
    stops = chain.from_iterable(
        (at + size for at, size in zip(starts, sizes, strict=True))
        for starts, sizes in pairs
        if starts and sizes
    )
    return int(max(stops, default=len(data) + 1)) <= len(data)
