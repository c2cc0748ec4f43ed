"""Pictures that are small to send and slow to read."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

_SIDE_PX = 8_900
_SCANS = 90
_CHUNKS = 1_000_000


def huge(format_name: str) -> bytes:
    """79 megapixels in some kB of WebP, or a megabyte of progressive JPEG."""
    options = {"WEBP": {"lossless": True}, "JPEG": {"progressive": True, "quality": 20}}
    buffer = BytesIO()
    image = Image.new("RGB", (_SIDE_PX, _SIDE_PX), (9, 0, 0))
    image.save(buffer, format_name, **options[format_name])
    return buffer.getvalue()


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    buffer = BytesIO()
    Image.new("L", (3_000, 3_000), 9).save(buffer, "JPEG", progressive=True, quality=20)
    data = buffer.getvalue()
    end = data.rfind(b"\xff\xd9")
    scan = data[data.rfind(b"\xff\xda", 0, end) : end]
    return data[:end] + scan * _SCANS + data[end:]


def many_chunks() -> bytes:
    """A PNG with a million chunks of text before its picture."""
    buffer = BytesIO()
    Image.new("L", (64, 64), 9).save(buffer, "PNG")
    data, kind, text = buffer.getvalue(), b"tEXt", b"k\0v"
    chunk = struct.pack(">I", len(text)) + kind + text + struct.pack(">I", zlib.crc32(kind + text))
    after_header = data.index(b"IHDR") + 4 + 13 + 4
    return data[:after_header] + chunk * _CHUNKS + data[after_header:]
