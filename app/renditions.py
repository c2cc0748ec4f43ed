"""Smaller forms of stored pictures for screens: made once, kept in the data folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from uuid import uuid4

from db.models import Blob
from studio.imaging.decode import Limits, decode
from studio.imaging.encode import encode
from studio.imaging.picture import Picture
from studio.imaging.thumbnail import shrink, thumbnail
from studio.params import ImageFormat
from tasks.services import Services

DISPLAY_SIDE_PX = 1600
"""Longer sides than a page can show are not worth sending."""
BROWSER_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})
_DISPLAY_QUALITY = 90
# A large result takes some hundred megabytes to decode; one at a time bounds the web process.
_one_at_a_time = Lock()


def thumbnail_file(services: Services, blob: Blob) -> Path:
    """A small JPEG; alpha is shown over a checkerboard.

    Raises:
        StorageError: the stored file is gone.

    """
    return _made_once(services, blob, "thumbnails", ".jpg", thumbnail)


def display_file(services: Services, blob: Blob) -> Path:
    """WebP of at most ``DISPLAY_SIDE_PX`` a side, with its alpha.

    Raises:
        StorageError: the stored file is gone.

    """
    return _made_once(services, blob, "pictures", ".webp", _display)


def _display(picture: Picture) -> bytes:
    small = shrink(picture, DISPLAY_SIDE_PX)
    return encode(small, format=ImageFormat.WEBP, quality=_DISPLAY_QUALITY, provenance=None)


def _made_once(
    services: Services, blob: Blob, folder: str, suffix: str, make: Callable[[Picture], bytes]
) -> Path:
    path = services.settings.data_dir / folder / blob.sha256[:2] / f"{blob.sha256}{suffix}"
    if path.is_file():
        return path
    with _one_at_a_time:
        if not path.is_file():
            # The limits on uploads do not bind results, which may be larger.
            limits = Limits(blob.size_bytes, services.settings.max_pixels)
            data = services.blobs.read(blob.sha256)
            made = make(decode(data, file_name=blob.sha256, limits=limits))
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{uuid4().hex}.partial")
            partial.write_bytes(made)
            partial.replace(path)
    return path
