"""Addresses of stored files. The routes behind them check who asks."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from db.models import JobInput, JobOutput


def thumbnail_url(sha256: str) -> str:
    """A small JPEG of a stored picture."""
    return f"/thumbnails/{sha256}"


def picture_url(file: JobInput | JobOutput) -> str:
    """The picture at the size of a screen, in a format that every browser shows."""
    return f"/pictures/{file.id}"


def download_url(file: JobInput | JobOutput) -> str:
    """The file itself, saved under its own name."""
    return f"/files/{file.id}/{quote(file.file_name, safe='')}"


def archive_url(batch_id: UUID) -> str:
    """All results of a batch as one ZIP."""
    return f"/batches/{batch_id}/results.zip"
