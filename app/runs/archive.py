"""Several results as one ZIP, written as it is sent: no copy on disk, no file in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from unicodedata import normalize
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from app.runs.addresses import saved_name
from db.models import JobOutput
from studio.storage import BlobStore

_EARLIEST = (1980, 1, 1, 0, 0, 0)


class _Outbox(io.RawIOBase):
    """Where ``ZipFile`` writes; what has been written is taken out in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """As a stream that only writes."""
        return True

    def write(self, data: object) -> int:
        """Keep a piece until it is taken."""
        piece = bytes(data)  # type: ignore[call-overload]  # any buffer, as the protocol says
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Everything written since the last call."""
        pieces, self._pieces = b"".join(self._pieces), []
        return pieces


def stream_zip(blobs: BlobStore, files: Iterable[JobOutput]) -> Iterator[bytes]:
    """The bytes of a ZIP of ``files``, piece by piece, each under a name of its own.

    Pictures are stored as they are: compressing them again gains nothing. The same files
    give the same bytes.

    Raises:
        StorageError: a file is gone.

    """
    outbox = _Outbox()
    taken: set[str] = set()
    with ZipFile(outbox, "w", ZIP_STORED) as archive:
        for file in files:
            name = unused_name(saved_name(file), taken)
            taken.add(alike(name))
            with archive.open(ZipInfo(name, _EARLIEST), "w") as target:
                for piece in blobs.pieces(file.blob_sha256):
                    target.write(piece)
                    yield outbox.take()
    yield outbox.take()


def unused_name(file_name: str, taken: set[str]) -> str:
    """``file_name``, numbered when ``taken`` holds one :func:`alike`."""
    path = PurePath(file_name)
    name, number = path.name, 1
    while alike(name) in taken:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    return name


def alike(name: str) -> str:
    """Equal for names that some disk takes for one: by case, or by how letters are composed."""
    return normalize("NFD", normalize("NFD", name).casefold())
