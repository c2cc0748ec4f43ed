"""A finished result in another file format, without running its tool again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from db.models import JobOutput
from studio.errors import UserInputError
from studio.imaging.decode import Limits, decode
from studio.imaging.encode import encode
from studio.imaging.provenance import read_provenance
from studio.params import ImageFormat
from tasks.services import Services

MAX_PIXELS = 25_000_000
"""What the web process encodes within seconds; larger results are run in their format."""
SUFFIXES = {ImageFormat.PNG: ".png", ImageFormat.JPEG: ".jpg", ImageFormat.WEBP: ".webp"}


@dataclass(frozen=True, slots=True)
class Export:
    """An encoded file, ready to be saved."""

    file_name: str
    media_type: str
    data: bytes


def export(services: Services, output: JobOutput, format: ImageFormat, quality: int) -> Export:
    """``output`` encoded anew; its provenance goes with it.

    Raises:
        UserInputError: ``export.too_many_pixels``.
        StorageError: the stored file is gone.

    """
    blob = output.blob
    if not can_export(output):
        raise UserInputError(
            "This result is too large to be converted here",
            remedy="Run it again in the format you need.",
            code="export.too_many_pixels",
            file_name=output.file_name,
        )
    data = services.blobs.read(blob.sha256)
    limits = Limits(len(data), MAX_PIXELS)
    picture = decode(data, file_name=output.file_name, limits=limits)
    made = encode(picture, format=format, quality=quality, provenance=read_provenance(data))
    name = PurePath(output.file_name).with_suffix(SUFFIXES[format]).name
    return Export(name, f"image/{format}", made)


def can_export(output: JobOutput) -> bool:
    """Whether ``output`` is small enough for :func:`export`."""
    return (output.blob.width_px or 0) * (output.blob.height_px or 0) <= MAX_PIXELS
