"""Pictures that are small to send and slow to read."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

_SIDE_PX = 8_900
_SCANS = 90


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
