"""Refuses files made of far more parts than any camera or editor writes, before they are read.

Readers spend time on every part, whatever it holds, so a few megabytes of empty chunks or a
hundred passes over one picture cost minutes. Counting them costs milliseconds. The bounds are
several times what real files reach, and grow with the file where real files' parts do.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import islice
from struct import unpack_from

from studio.errors import UserInputError
from studio.imaging import sniff
from studio.imaging.containers import (
    JPEG_SCAN,
    Part,
    boxes,
    gif_blocks,
    jpeg_segments,
    png_chunks,
    tiff_pages,
    webp_chunks,
)
from studio.words import Message, msg, msgs

MAX_SCANS = 64
"""Of a JPEG. Libjpeg writes 10, encoders that search for the best order up to about 20."""
MAX_FULL_SIZE_SCANS = 20
"""Of a JPEG with as many pixels as are allowed: each scan is a pass over all of them."""
MAX_FILLER_BYTES = 65_536
"""Between a JPEG's segments; cameras align with a few hundred at most."""
MAX_RUN_LENGTH_BYTES = 2_000_000
"""Of a BMP packed by run lengths, as old programs write for small drawings: its reader is slow."""
_BASE_PARTS = 10_000
_BYTES_A_PART = 512
"""Libpng writes 8,192 bytes a chunk, and a full block of a JPEG's metadata has 65,533."""
_BYTES_A_GIF_BLOCK = 32
"""Encoders fill each block with up to 255 bytes."""
_BMP_RUN_LENGTHS = (1, 2)


def require_few_parts(data: bytes, file_type: sniff.FileType, max_pixels: int) -> None:
    """Do nothing for a file that can be read in reasonable time.

    Args:
        data: the file.
        file_type: as sniffed from it.
        max_pixels: most that any picture may have.

    Raises:
        UserInputError: ``image.too_complex``.

    """
    try:
        if file_type is sniff.JPEG:
            _check_jpeg(data, max_pixels)
        elif file_type is sniff.BMP:
            _check_bmp(data)
        elif file_type in _WALKS:
            _check_count(data, _WALKS[file_type](data))
        elif file_type is sniff.GIF:
            _check_count(data, gif_blocks(data), _BYTES_A_GIF_BLOCK)
    except (struct.error, IndexError):
        return  # cut off, which is found and said elsewhere


def is_several(data: bytes, file_type: sniff.FileType) -> bool:
    """Whether a GIF or TIFF holds more than one picture; its second may be damaged."""
    try:
        if file_type is sniff.GIF:
            images = (part for part in gif_blocks(data) if part.kind == b",")
            return len(list(islice(images, 2))) == 2
        return file_type is sniff.TIFF and len(list(islice(tiff_pages(data), 2))) == 2
    except (struct.error, IndexError):
        return False


def _check_jpeg(data: bytes, max_pixels: int) -> None:
    most = _most_parts(data, _BYTES_A_PART)
    scans = filler = 0
    for number, part in enumerate(jpeg_segments(data)):
        scans += part.kind[0] == JPEG_SCAN
        filler += part.skipped_bytes
        if number >= most:
            raise _too_many(msgs("more than {n} part", "more than {n} parts", most))
        if scans > MAX_SCANS:
            raise _too_many(msgs("more than {n} scan", "more than {n} scans", MAX_SCANS))
        if filler > MAX_FILLER_BYTES:
            raise _too_many(
                msgs("more than {n} filler byte", "more than {n} filler bytes", MAX_FILLER_BYTES)
            )
    width, height = sniff.header_size(data, sniff.JPEG) or (0, 0)
    if scans * width * height > MAX_FULL_SIZE_SCANS * max_pixels:
        raise _too_many(
            msgs(
                "{n} scan of {megapixels:.0f} megapixels",
                "{n} scans of {megapixels:.0f} megapixels each",
                scans,
                megapixels=width * height / 1e6,
            )
        )


def _check_bmp(data: bytes) -> None:
    header_bytes, compression = unpack_from("<I", data, 14)[0], unpack_from("<I", data, 30)[0]
    if header_bytes > 12 and compression in _BMP_RUN_LENGTHS and len(data) > MAX_RUN_LENGTH_BYTES:
        raise _too_many(
            msg(
                "more than {megabytes:.0f} MB packed by run lengths",
                megabytes=MAX_RUN_LENGTH_BYTES / 1e6,
            )
        )


def _check_count(data: bytes, parts: Iterator[Part], bytes_a_part: int = _BYTES_A_PART) -> None:
    most = _most_parts(data, bytes_a_part)
    if sum(1 for _ in islice(parts, most + 1)) > most:
        raise _too_many(msgs("more than {n} part", "more than {n} parts", most))


def _most_parts(data: bytes, bytes_a_part: int) -> int:
    return _BASE_PARTS + len(data) // bytes_a_part


def _too_many(what: Message) -> UserInputError:
    return UserInputError(
        msg(
            "The file is made of {what}, far more than any camera or editor writes, "
            "and would take too long to read",
            what=what,
        ),
        remedy=msg("Open it in another program and save it again."),
        code="image.too_complex",
    )


_WALKS: dict[sniff.FileType, Callable[[bytes], Iterator[Part]]] = {
    sniff.PNG: png_chunks,
    sniff.WEBP: webp_chunks,
    sniff.AVIF: boxes,
    sniff.HEIF: boxes,
}
