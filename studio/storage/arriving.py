"""Files of this machine on their way into storage, or out of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

PIECE_BYTES = 1_000_000
PARTIAL_SUFFIX = ".partial"
"""How the names of files end that may not be whole."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that lies on this machine's disk and may be taken into storage.

    ``sha256`` names its bytes; ``path`` is good inside ``BlobStore.staging`` alone.
    """

    path: Path
    sha256: str
    size_bytes: int


class Arriving:
    """A file on its way into storage: written piece by piece, digested as it comes.

    Only ``BlobStore.staging`` makes one. Its methods raise ``StorageAwayError`` or
    ``DiskFullError``.
    """

    def __init__(self, path: Path, translated: Callable[[], AbstractContextManager[None]]) -> None:
        self._path, self._translated = path, translated
        self._checksum, self._size_bytes = hashlib.sha256(), 0
        with translated():
            self._file = path.open("xb")

    def write(self, piece: bytes) -> int:
        """Append ``piece``; returns how many bytes that were."""
        self._checksum.update(piece)
        with self._translated():
            written_bytes = self._file.write(piece)
        self._size_bytes += written_bytes
        return written_bytes

    def finish(self) -> Staged:
        """Force everything to disk; nothing can be written after."""
        with self._translated():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return Staged(self._path, self._checksum.hexdigest(), self._size_bytes)

    def discard(self) -> None:
        """Leave no file behind."""
        with suppress(OSError):  # where storage went away meanwhile; upkeep sweeps it
            self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def settled(path: Path) -> Staged:
    """The file that another process wrote at ``path``, digested and forced to disk."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return Staged(path, sha256, file.tell())


def partial_in(folder: Path) -> Path:
    """A name that no other file of ``folder`` has, for one that may not be whole."""
    return folder / f"{uuid4().hex}{PARTIAL_SUFFIX}"


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a new file and force it to disk."""
    with path.open("xb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
