"""What a file really is, how big it says it is and whether it is all there: from its bytes.

Nothing is decoded here, and a file's name is never looked at. Only ``is_complete`` looks at every
part of a file: see ``studio.imaging.parts`` for how many there may be.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from struct import unpack_from

from studio.imaging.containers import JPEG_SCAN, Part, boxes, jpeg_segments, png_chunks
from studio.words import N_

_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_MOST_HEADER_PARTS = 50_000
"""Looked through; a file with more is refused before or after."""
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of picture the studio reads.

    Attributes:
        name: what Pillow calls the format.
        media_type: the registered media type.

    """

    name: str
    media_type: str


JPEG = FileType("JPEG", "image/jpeg")
PNG = FileType("PNG", "image/png")
WEBP = FileType("WEBP", "image/webp")
TIFF = FileType("TIFF", "image/tiff")
BMP = FileType("BMP", "image/bmp")
GIF = FileType("GIF", "image/gif")
AVIF = FileType("AVIF", "image/avif")
HEIF = FileType("HEIF", "image/heic")

_SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"BM", BMP),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
)
_FOREIGN_SIGNATURES = (
    (b"%PDF", N_("a PDF document")),
    (b"8BPS", N_("a Photoshop document")),
    (b"gimp xcf", N_("a GIMP document")),
    (b"%!PS", N_("a PostScript document")),
    (b"\xc5\xd0\xd3\xc6", N_("a PostScript document")),
    (b"\0\0\0\x0cjP  ", N_("a JPEG 2000 picture")),
    (b"\xff\x4f\xff\x51", N_("a JPEG 2000 picture")),
    (b"\0\0\0\x0cJXL ", N_("a JPEG XL picture")),
    (b"\xff\x0a", N_("a JPEG XL picture")),
    (b"\x76\x2f\x31\x01", N_("an OpenEXR picture")),
    (b"#?RADIANCE", N_("a Radiance picture")),
    (b"qoif", N_("a QOI picture")),
    (b"\0\0\x01\0", N_("an icon")),
    (b"FUJIFILMCCD-RAW", N_("a camera raw file")),
    (b"IIRO", N_("a camera raw file")),
    (b"IIRS", N_("a camera raw file")),
    (b"IIU\0", N_("a camera raw file")),
    (b"PK\x03\x04", N_("a ZIP archive")),
    (b"\x1aE\xdf\xa3", N_("a video")),
)


def sniff(data: bytes) -> FileType | None:
    """The kind of picture in ``data``; None when it is none that the studio reads."""
    if _is_canon_raw(data):
        return None
    for signature, file_type in _SIGNATURES:
        if data.startswith(signature):
            return file_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    brands = _brands(data)
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIF if brands & _HEIF_BRANDS else None


def foreign_kind(data: bytes) -> str | None:
    """What a file is that the studio does not read, as in "a PDF document"; None if unknown."""
    for signature, kind in _FOREIGN_SIGNATURES:
        if data.startswith(signature):
            return kind
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") and b"<svg" in head:
        return N_("an SVG drawing")
    if _is_canon_raw(data):
        return N_("a camera raw file")
    brands = _brands(data)
    if brands:
        return N_("a camera raw file") if b"crx " in brands else N_("a video")
    return None


def header_size(data: bytes, file_type: FileType) -> tuple[int, int] | None:
    """``(width, height)`` that the header declares; None where it must be parsed to know."""
    reader = _SIZE_READERS.get(file_type)
    try:
        return reader(data) if reader else None
    except (struct.error, IndexError):
        return None


def is_complete(data: bytes, file_type: FileType) -> bool:
    """Whether the container reaches its end; True for kinds that do not say where that is."""
    check = _END_CHECKS.get(file_type)
    try:
        return check(data) if check else True
    except (struct.error, IndexError):
        return False


def jpeg_bits(data: bytes) -> int | None:
    """Bits a sample of a JPEG, 8 in nearly all; None when no frame is found."""
    try:
        frame = _jpeg_segment(data, _JPEG_FRAMES)
        return None if frame is None else data[frame.start + 4]
    except (struct.error, IndexError):
        return None


def with_longer_scan(data: bytes, filler: bytes) -> bytes:
    """A JPEG with ``filler`` before its end marker; unchanged when no such end is found.

    Readers skip it when all pixels were there, and take it for pixels when some were not.
    """
    try:
        scan = _jpeg_segment(data, {JPEG_SCAN})
    except (struct.error, IndexError):
        return data
    end = -1 if scan is None else data.find(b"\xff\xd9", scan.start)
    return data if end < 0 else data[:end] + filler + data[end:]


def _is_canon_raw(data: bytes) -> bool:
    return data.startswith(b"II*\0") and data[8:10] == b"CR"


def _brands(data: bytes) -> set[bytes]:
    """Brands of an ISO base media file (HEIC, AVIF, MP4); empty for anything else."""
    if data[4:8] != b"ftyp" or len(data) < 16:
        return set()
    stop = min(unpack_from(">I", data)[0], len(data), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, stop - 3, 4))}


def _jpeg_segment(data: bytes, wanted: set[int]) -> Part | None:
    """The first segment with one of these markers, in the header or as the first scan."""
    for part in islice(jpeg_segments(data), _MOST_HEADER_PARTS):
        if part.kind[0] in wanted:
            return part
        if part.kind[0] == JPEG_SCAN:
            return None
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    frame = _jpeg_segment(data, _JPEG_FRAMES)
    if frame is None:
        return None
    height, width = unpack_from(">HH", data, frame.start + 5)
    return width, height


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int]:
    width, height = unpack_from("<HH", data, 6)
    return width, height


def _bmp_size(data: bytes) -> tuple[int, int]:
    if unpack_from("<I", data, 14)[0] == 12:
        width, height = unpack_from("<HH", data, 18)
    else:
        width, height = unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp_size(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
            return width + 1, height + 1
        case b"VP8L":
            (bits,) = unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
        case b"VP8 ":
            width, height = unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None


def _png_ends(data: bytes) -> bool:
    return all(chunk.stop <= len(data) for chunk in png_chunks(data))


def _webp_ends(data: bytes) -> bool:
    (size,) = unpack_from("<I", data, 4)
    return len(data) >= int(size) + 8


def _boxes_end(data: bytes) -> bool:
    return all(box.stop <= len(data) for box in boxes(data))


_SIZE_READERS: dict[FileType, Callable[[bytes], tuple[int, int] | None]] = {
    JPEG: _jpeg_size,
    PNG: _png_size,
    GIF: _gif_size,
    BMP: _bmp_size,
    WEBP: _webp_size,
}
_END_CHECKS: dict[FileType, Callable[[bytes], bool]] = {
    PNG: _png_ends,
    WEBP: _webp_ends,
    AVIF: _boxes_end,
    HEIF: _boxes_end,
}
