"""Files and their rows together."""

from __future__ import annotations

from dataclasses import dataclass, field

from db.repositories.blobs import BlobRepository
from tasks.services import Services


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A picture in storage, as a run may read it. ``sha256`` names its bytes.

    ``thumbnail_jpeg`` is what the check of an upload leaves over; empty for other files.
    """

    sha256: str
    file_name: str
    media_type: str
    width_px: int | None
    height_px: int | None
    thumbnail_jpeg: bytes = field(default=b"", repr=False, compare=False)


def keep(
    services: Services,
    data: bytes,
    *,
    file_name: str,
    media_type: str,
    width_px: int | None = None,
    height_px: int | None = None,
) -> StoredFile:
    """Store ``data`` and its row; the same bytes again cost nothing.

    The sweep may remove a file as an orphan until its row is committed, so the file is
    looked for once more afterwards. A file that no run uses is swept after a day.
    """
    sha256 = services.blobs.put(data)
    with services.database.write() as session:
        BlobRepository(session).ensure(
            sha256,
            size_bytes=len(data),
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
        )
    if not services.blobs.exists(sha256):
        services.blobs.put(data)
    return StoredFile(sha256, file_name, media_type, width_px, height_px)
