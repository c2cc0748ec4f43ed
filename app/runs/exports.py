"""A finished result in another file format, without running its tool again."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from pathlib import Path

from app.runs.renditions import make_once
from db.models import JobOutput
from studio.errors import UserInputError
from studio.imaging.reduced import write_converted
from studio.params import ImageFormat
from studio.words import msg
from tasks.renditions import Kind
from tasks.services import Services

MAX_PIXELS = 25_000_000
"""What is encoded within seconds; larger results are run in their format."""


QUALITIES = range(1, 101)
"""Of JPEG and WebP; PNG has none."""


def exported_file(
    services: Services,
    output: JobOutput,
    format: ImageFormat,
    quality: int,
    *,
    owner: Hashable = None,
) -> Path:
    """``output`` encoded anew, on this machine; its provenance goes with it.

    Made once and kept as long as there is room, so that it is made anew when it is asked for late.
    ``quality`` is one of ``QUALITIES``; PNG is the same file at any. ``owner`` is who asks;
    what one person asks for does not hold up another.

    Raises:
        UserInputError: ``export.too_many_pixels``.
        RetriableError: too many files are being read.
        StorageError: the stored file is gone, or the disk has no room for the other.

    """
    if not can_export(output):
        raise UserInputError(
            msg("This result is too large to be converted here"),
            remedy=msg("Run it again in the format you need."),
            code="export.too_many_pixels",
            file_name=output.file_name,
        )
    write = partial(write_converted, format=format, quality=quality)
    manner = f".{format}" if format is ImageFormat.PNG else f".{quality}.{format}"
    return make_once(
        services,
        output.blob_sha256,
        Kind.EXPORT,
        write,
        file_name=output.file_name,
        owner=owner,
        manner=manner,
    )


def can_export(output: JobOutput) -> bool:
    """Whether ``output`` is small enough for :func:`exported_file`."""
    return (output.blob.width_px or 0) * (output.blob.height_px or 0) <= MAX_PIXELS
