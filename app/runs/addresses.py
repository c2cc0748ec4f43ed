"""Addresses of pages and stored files. What is behind them checks who asks."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from db.models import JobInput, JobOutput
from studio.imaging.suffixes import named_by_kind
from studio.params import ImageFormat
from studio.tools.registry import TOOLS

PAGES = ("account", "enter", "history", "members", "run", "studio", "weights")
"""What stands in the address of each page that is not a tool's."""


def page_names() -> tuple[str, ...]:
    """What stands in the address of every page; the tools have theirs under their names."""
    return (*PAGES, *(spec.name for spec in TOOLS.values() if not spec.is_auxiliary))


def thumbnail_url(sha256: str) -> str:
    """A small JPEG of a stored picture."""
    return f"/thumbnails/{sha256}"


def picture_url(file: JobInput | JobOutput) -> str:
    """The picture at the size of a screen, in a format that every browser shows."""
    return f"/pictures/{file.id}"


def download_url(file: JobInput | JobOutput) -> str:
    """The file itself, saved under :func:`saved_name`."""
    return f"/files/{file.id}/{quote(saved_name(file), safe='')}"


def export_url(file: JobOutput, format: ImageFormat, quality: int) -> str:
    """The result in another format, saved under :func:`exported_name`; ``quality`` is 1 to 100."""
    name = quote(exported_name(file, format), safe="")
    return f"/exports/{file.id}/{format}/{quality}/{name}"


def exported_name(file: JobOutput, format: ImageFormat) -> str:
    """What the result in another format is called: as on record, with that format's suffix."""
    return named_by_kind(file.file_name, f"image/{format}")


def saved_name(file: JobInput | JobOutput) -> str:
    """What a download is called: as on record, with a suffix that fits the bytes."""
    return named_by_kind(file.file_name, file.blob.media_type)


def archive_url(batch_id: UUID) -> str:
    """All results of a batch as one ZIP."""
    return f"/batches/{batch_id}/results.zip"
