"""Parts of stored pictures at the size of a canvas, made in the web process when asked for."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from threading import Lock

import numpy as np
from PIL import Image

from app.fabric import View
from studio.imaging.blend import composite
from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from tasks.files import StoredFile
from tasks.services import Services, get_services

_JPEG_QUALITY = 88
_PAPER = np.full(3, 255, dtype=np.uint8)
# A large picture takes some hundred megabytes to decode; one at a time bounds the web process.
_one_at_a_time = Lock()


def view_jpeg(picture: StoredFile, view: View) -> bytes:
    """What ``view`` shows of ``picture``, transparency on white.

    Raises:
        StorageError: the stored file is gone.

    """
    buffer = BytesIO()
    Image.fromarray(view_pixels(picture, view)).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def view_pixels(picture: StoredFile, view: View) -> Pixels:
    """What ``view`` shows of ``picture``, ``uint8 (H, W, 3)``, transparency on white.

    Raises:
        StorageError: the stored file is gone.

    """
    with _one_at_a_time:
        return _view(picture.sha256, view)


def data_address(data: bytes, media_type: str) -> str:
    """The bytes as an address that needs no request."""
    return f"data:{media_type};base64,{b64encode(data).decode()}"


@lru_cache(maxsize=24)
def _view(sha256: str, view: View) -> Pixels:
    return resample(_decoded(get_services(), sha256), *view.size, box=view.box)


def _decoded(services: Services, sha256: str) -> Pixels:
    data = services.blobs.read(sha256)
    picture = decode(data, file_name=sha256, limits=Limits(len(data), services.settings.max_pixels))
    if picture.alpha is None:
        return picture.pixels
    return composite(picture.pixels, picture.alpha, _PAPER)
