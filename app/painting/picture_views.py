"""Parts of stored pictures at the size of a canvas, made outside the web process when asked for."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Hashable
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from app.painting.canvas_json import View
from app.runs.renditions import rendition_file
from studio.imaging.picture import Pixels
from studio.imaging.reduced import part_of
from tasks.files import StoredFile
from tasks.reading import reading_pool
from tasks.renditions import Kind
from tasks.services import Services

_JPEG_QUALITY = 88
_TIME_LIMIT_S = 30.0
_MEMORY_LIMIT_BYTES = 1_500_000_000
"""For a picture of 80 megapixels as Pillow holds it, and what it makes of it."""


def view_jpeg(
    services: Services, picture: StoredFile, view: View, *, owner: Hashable = None
) -> bytes:
    """As :func:`view_pixels`, as a JPEG."""
    buffer = BytesIO()
    pixels = view_pixels(services, picture, view, owner=owner)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def view_pixels(
    services: Services, picture: StoredFile, view: View, *, owner: Hashable = None
) -> Pixels:
    """What ``view`` shows of ``picture``, ``uint8 (H, W, 3)``, transparency on white.

    The picture is decoded once, whatever parts of it are looked at.

    Args:
        services: the studio.
        picture: stored.
        view: the part, and the size of the result.
        owner: who looks; what one person looks at does not hold up another.

    Raises:
        StorageError: the stored file is gone.
        UserInputError: it cannot be read within the bounds.
        RetriableError: too many files are being read.

    """
    saved = rendition_file(
        services, picture.sha256, Kind.PIXELS, file_name=picture.file_name, owner=owner
    )
    return _part(saved, view, owner)


def mask_pixels(services: Services, sha256: str, view: View, *, owner: Hashable = None) -> Pixels:
    """What ``view`` shows of a picture that is a mask, ``uint8 (H, W)``; as ``view_pixels``."""
    return _part(rendition_file(services, sha256, Kind.MASK, owner=owner), view, owner)


def data_address(data: bytes, media_type: str) -> str:
    """The bytes as an address that needs no request."""
    return f"data:{media_type};base64,{b64encode(data).decode()}"


@lru_cache(maxsize=24)
def _part(saved: Path, view: View, owner: Hashable) -> Pixels:
    return reading_pool().run(
        partial(part_of, saved, view.size, view.box),
        time_limit_s=_TIME_LIMIT_S,
        memory_limit_bytes=_MEMORY_LIMIT_BYTES,
        owner=owner,
    )
