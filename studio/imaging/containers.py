"""The parts that picture files are made of, one after the other, found without reading them.

Each step is a hop by the length a part declares or a search in C, never a look at each byte, so
a walk costs a microsecond a part; whoever walks decides after how many parts to stop. A file that
is cut off ends the walk with ``struct.error`` or ``IndexError``, or early.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

JPEG_SCAN = 0xDA
_JPEG_END = 0xD9
_JPEG_STANDALONE = {0x00, 0x01, *range(0xD0, 0xD9)}
_FILL = re.compile(rb"\xff+")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Within picture data 0xff is stuffed with 0x00, restarts count and fill bytes repeat."""

_GIF_EXTENSION, _GIF_IMAGE = 0x21, 0x2C


@dataclass(frozen=True, slots=True)
class Part:
    """A marker segment, chunk, box or block.

    Attributes:
        kind: its marker, as one byte, or the four letters of its name.
        start: where it begins, at the 0xff of a marker or at the length of a chunk.
        stop: where the next one may begin, by the length it declares; of a scan, by its header.
        skipped_bytes: of filler before it.

    """

    kind: bytes
    start: int
    stop: int
    skipped_bytes: int = 0


def jpeg_segments(data: bytes) -> Iterator[Part]:
    """Marker segments from after the first marker to the first end marker, which is the last."""
    position = 2
    while (found := data.find(b"\xff", position)) >= 0:
        fill = _FILL.match(data, found)
        start = fill.end() - 1 if fill else found
        marker = data[start + 1]
        length = 0 if marker in _JPEG_STANDALONE or marker == _JPEG_END else _u16(data, start + 2)
        part = Part(bytes([marker]), start, start + 2 + length, start - position)
        yield part
        if marker == _JPEG_END:
            return
        position = part.stop
        if marker == JPEG_SCAN:
            after = _MARKER_IN_SCAN.search(data, position)
            if after is None:
                return
            position = after.start()


def png_chunks(data: bytes) -> Iterator[Part]:
    """Chunks up to the end chunk, which is the last."""
    position, kind = 8, b""
    while kind != b"IEND":
        kind = data[position + 4 : position + 8]
        stop = position + 12 + int(unpack_from(">I", data, position)[0])
        yield Part(kind, position, stop)
        position = stop


def webp_chunks(data: bytes) -> Iterator[Part]:
    """Chunks of the RIFF container."""
    position = 12
    while position + 8 <= len(data):
        size = int(unpack_from("<I", data, position + 4)[0])
        part = Part(data[position : position + 4], position, position + 8 + size + size % 2)
        yield part
        position = part.stop


def boxes(data: bytes) -> Iterator[Part]:
    """Top-level boxes of an ISO base media file."""
    position = 0
    while position < len(data):
        size = int(unpack_from(">I", data, position)[0])
        if size == 0:  # up to the end of the file
            size = len(data) - position
        elif size == 1:
            size = int(unpack_from(">Q", data, position + 8)[0])
        part = Part(data[position + 4 : position + 8], position, position + max(size, 8))
        yield part
        position = part.stop


def gif_blocks(data: bytes) -> Iterator[Part]:
    """Extensions and images up to the trailer, and each block of data in them (kind empty)."""
    position = 13 + _palette_bytes(data[10])
    while data[position] in (_GIF_EXTENSION, _GIF_IMAGE):
        start, kind = position, data[position : position + 1]
        if kind[0] == _GIF_EXTENSION:
            position += 2
        else:
            position += 11 + _palette_bytes(data[position + 9])
        yield Part(kind, start, position)
        while size := data[position]:
            yield Part(b"", position, position + 1 + size)
            position += 1 + size
        position += 1


def tiff_pages(data: bytes) -> Iterator[Part]:
    """Directories of a TIFF or BigTIFF; they may form a loop."""
    order = "<" if data[:1] == b"I" else ">"
    is_big = unpack_from(f"{order}H", data, 2)[0] == 43
    count, entry_bytes, offset = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    count_bytes = 8 if is_big else 2
    (position,) = unpack_from(order + offset, data, 8 if is_big else 4)
    while position:
        (entries,) = unpack_from(order + count, data, position)
        link = position + count_bytes + entries * entry_bytes
        yield Part(b"", position, link)
        (position,) = unpack_from(order + offset, data, link)


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _u16(data: bytes, at: int) -> int:
    return int(unpack_from(">H", data, at)[0])
