"""Storage in folders of this machine, or of a disk that it has mounted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from studio.storage.arriving import PARTIAL_SUFFIX, PIECE_BYTES, Staged, write_pieces
from studio.storage.store import BlobStore

_INCOMING = "incoming"


class FolderStore(BlobStore):
    """Files in folders ``ab/cd/abcd…``."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._folder = folder.absolute()
        super().__init__("file", str(self._folder))

    def prepare(self) -> None:
        """Make the folder where there is none.

        Nothing else makes it: a folder that is gone later is a disk that is not mounted.
        """
        with self._translated():
            self._folder.mkdir(parents=True, exist_ok=True)

    def take(self, staged: Staged) -> str:
        """Store a staged file and return its SHA-256 in hex.

        Atomic: readers see the whole file or none. Idempotent: the same bytes are stored
        once. A damaged copy is replaced: a file moves in at no cost, whatever lies there.
        """
        with self._translated():
            _enter(staged.path, Path(self._path(staged.sha256)))
        return staged.sha256

    @contextmanager
    def as_file(self, digest: str) -> Iterator[Path]:
        """The stored file itself, checked against ``digest``; only to be read.

        Where the reader finds the file gone, that is a ``StorageError``; whatever else goes wrong
        for it is its own affair.
        """
        path = Path(self._path(digest))
        for _ in self.pieces(digest):
            pass
        try:
            yield path
        except OSError as error:
            names_another = isinstance(error.filename, str | Path) and Path(error.filename) != path
            if names_another or path.is_file():
                raise
            with self._translated(missing=digest):
                raise

    def local_path(self, digest: str) -> Path | None:
        """Where the file lies, to be served without a copy; None when it is not stored."""
        path = Path(self._path(digest))
        return path if path.is_file() else None

    def remove_partial(self, older_than_s: float) -> int:
        """Remove what interrupted writes left behind; how many files that were."""
        removed = 0
        with self._translated():
            for path in self._folder.rglob(f"*{PARTIAL_SUFFIX}"):
                with suppress(FileNotFoundError):  # its write has ended meanwhile
                    if time.time() - path.stat().st_mtime > older_than_s:
                        path.unlink()
                        removed += 1
        return removed

    def _is_unmounted(self) -> bool:
        return not self._folder.is_dir()

    @contextmanager
    def _staging_folder(self) -> Iterator[Path]:
        """On the disk of storage, so that taking a file in is a rename."""
        folder = self._folder / _INCOMING
        with self._translated():
            folder.mkdir(exist_ok=True)
        yield folder


def _enter(staged: Path, path: Path) -> None:
    """Make ``staged`` appear as ``path``, whole, and stay where it is."""
    for folder in (path.parent.parent, path.parent):  # never the root above: see ``prepare``
        folder.mkdir(exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        try:
            os.link(staged, part)
        except OSError:  # a file system without links
            with staged.open("rb") as file:
                write_pieces(part, iter(lambda: file.read(PIECE_BYTES), b""))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
