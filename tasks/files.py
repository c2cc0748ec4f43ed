"""Files and their rows together."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

from sqlalchemy.orm import Session

from db.repositories.blobs import BlobRepository
from studio.storage import Staged
from studio.text import file_name
from tasks.services import Services


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A picture in storage, as a run may read it. ``sha256`` names its bytes.

    ``file_name`` is kept as :func:`studio.text.file_name` cleans it;
    ``size_bytes`` and ``thumbnail_jpeg`` are what storing an upload leaves over; 0 and empty
    for other files.
    """

    sha256: str
    file_name: str
    media_type: str
    width_px: int | None
    height_px: int | None
    size_bytes: int = field(default=0, compare=False)
    thumbnail_jpeg: bytes = field(default=b"", repr=False, compare=False)

    def __post_init__(self) -> None:
        """Whatever door a file came through, and whenever, its name can be stored and shown."""
        object.__setattr__(self, "file_name", file_name(self.file_name))


def keep(
    services: Services,
    data: bytes,
    *,
    file_name: str,
    media_type: str,
    width_px: int | None = None,
    height_px: int | None = None,
) -> StoredFile:
    """Store ``data`` and its row; the same bytes are stored once.

    A file that no run uses is swept after a day.
    """
    with services.blobs.staged(BytesIO(data)) as staged:
        return keep_staged(
            services,
            staged,
            file_name=file_name,
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
        )


def keep_staged(
    services: Services,
    staged: Staged,
    *,
    file_name: str,
    media_type: str,
    width_px: int | None = None,
    height_px: int | None = None,
) -> StoredFile:
    """As :func:`keep`, of a file that lies on disk already.

    The sweep may remove a file as an orphan until its row is committed, so the file is
    looked for once more afterwards.
    """
    sha256 = services.blobs.take(staged)

    def ensure(session: Session) -> None:
        BlobRepository(session).ensure(
            sha256,
            size_bytes=staged.size_bytes,
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
        )

    services.database.insist(ensure, wait_s=services.wait_s)
    if not services.blobs.exists(sha256):
        services.blobs.take(staged)
    return StoredFile(sha256, file_name, media_type, width_px, height_px, staged.size_bytes)
