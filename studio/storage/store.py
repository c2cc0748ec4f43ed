"""What stores have in common wherever their files lie: names, digests, errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, ClassVar, TypeVar

import fsspec  # type: ignore[import-untyped]  # it ships no types

from studio.errors import DiskFullError, StorageAwayError, StorageError
from studio.storage.arriving import (
    PIECE_BYTES,
    Arriving,
    Staged,
    partial_in,
    settled,
    write_pieces,
)
from studio.storage.full_disk import is_disk_full
from studio.words import msg

Told = TypeVar("Told")
"""What whoever wrote a file says of it."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobStore:
    """Files by digest. Safe to share between threads and to use after a fork.

    Every method raises ``StorageAwayError``, ``DiskFullError``, or ``StorageError`` with code
    ``storage.missing`` (no such file) or ``storage.damaged`` (its bytes do not match its name).

    As it is, it serves any file system of fsspec, at paths ``ab/cd/abcd…`` below its root;
    ``FolderStore`` and ``BucketStore`` are those that know more of theirs.
    """

    _failures: ClassVar[tuple[type[Exception], ...]] = (OSError,)
    """What the file system raises when it is at fault."""

    def __init__(self, protocol: str, root: str, **options: object) -> None:
        """Nothing is contacted yet; ``options`` are those of the file system."""
        self._protocol, self._root, self._options = protocol, root, options

    def prepare(self) -> None:
        """Make the bucket or the uppermost folder where there is none."""
        with self._translated():
            self._files.makedirs(self._root.partition("/")[0], exist_ok=True)

    @contextmanager
    def staging(self) -> Iterator[Arriving]:
        """A new file on this machine, to be written; ``take`` stores it once it is finished.

        The staged file itself is gone at the end.
        """
        with self._staging_folder() as folder:
            arriving = Arriving(partial_in(folder), self._translated)
            try:
                yield arriving
            finally:
                arriving.discard()

    @contextmanager
    def staged(self, source: BinaryIO) -> Iterator[Staged]:
        """``source``, from its start to its end, as ``staging`` writes it, to be looked at."""
        with self.staging() as arriving:
            with self._translated():
                source.seek(0)
                for piece in iter(lambda: source.read(PIECE_BYTES), b""):
                    arriving.write(piece)
            yield arriving.finish()

    @contextmanager
    def staged_by(self, write: Callable[[Path], Told]) -> Iterator[tuple[Staged, Told]]:
        """The file that ``write`` makes where it is told, and what it returns.

        For what is written by another process: nothing here holds the file whole.
        """
        with self._staging_folder() as folder:
            path = partial_in(folder)
            try:
                with self._translated():
                    told = write(path)
                    staged = settled(path)
                yield staged, told
            finally:
                with suppress(OSError):  # where storage went away meanwhile; upkeep sweeps it
                    path.unlink(missing_ok=True)

    def take(self, staged: Staged) -> str:
        """Store a staged file and return its SHA-256 in hex.

        Atomic: readers see the whole file or none. Idempotent: the same bytes are stored
        once. A damaged copy is replaced if its size is wrong: to read or send it again costs
        what it weighs.
        """
        with self._translated():
            if self._size_bytes(staged.sha256) != staged.size_bytes:
                self._files.put_file(str(staged.path), self._path(staged.sha256))
        return staged.sha256

    def put(self, data: bytes) -> str:
        """Store ``data`` as ``take`` stores a file."""
        with self.staged(BytesIO(data)) as staged:
            return self.take(staged)

    def read(self, digest: str) -> bytes:
        """The bytes, checked against ``digest``."""
        return b"".join(self.pieces(digest))

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The bytes piece by piece, checked against ``digest`` by the time of the last."""
        checksum = hashlib.sha256()
        for piece in self._raw_pieces(digest):
            checksum.update(piece)
            yield piece
        if checksum.hexdigest() != digest:
            raise StorageError(
                msg(
                    "The stored file {digest} is damaged. Restore it from a backup.",
                    digest=digest[:12],
                ),
                code="storage.damaged",
            )

    @contextmanager
    def as_file(self, digest: str) -> Iterator[Path]:
        """Where the bytes lie on this machine, checked against ``digest``; only to be read.

        Here that is a copy, gone at the end.
        """
        with self._staging_folder() as folder:
            copy = partial_in(folder)
            with self._translated():
                write_pieces(copy, self.pieces(digest))
            yield copy

    def exists(self, digest: str) -> bool:
        """Whether a file is stored under ``digest``; its bytes are not read."""
        with self._translated():
            return self._size_bytes(digest) is not None

    def delete(self, digest: str) -> None:
        """Remove the file; nothing happens when there is none."""
        with self._translated():
            if self._size_bytes(digest) is not None:
                self._files.rm_file(self._path(digest))

    def delete_all(self, digests: Collection[str]) -> None:
        """As ``delete``, of each."""
        for digest in digests:
            self.delete(digest)

    def iter_digests(self) -> Iterator[str]:
        """The digests of all stored files, in no particular order."""
        with self._translated():
            paths = self._files.find(self._root)
        for path in paths:
            name = path.rpartition("/")[2]
            if _DIGEST.fullmatch(name):
                yield name

    def local_path(self, digest: str) -> Path | None:
        """Where the file lies on this machine, to be served without a copy.

        None when it is not stored, or not stored as a local file, as here.
        """
        return None

    def remove_partial(self, older_than_s: float) -> int:
        """Remove what interrupted writes left behind; how many files that were.

        None here: the file system itself drops what did not arrive whole.
        """
        return 0

    @property
    def _files(self) -> fsspec.AbstractFileSystem:
        """The filesystem; fsspec keeps one for each process, so a fork never shares sockets."""
        return fsspec.filesystem(self._protocol, **self._options)

    def _is_unmounted(self) -> bool:
        """Whether all files are gone at once: that is storage away, not a file missing."""
        return False

    def _path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise StorageError(msg("There is no such stored file."), code="storage.missing")
        return f"{self._root}/{digest[:2]}/{digest[2:4]}/{digest}"

    def _size_bytes(self, digest: str) -> int | None:
        try:
            return int(self._files.info(self._path(digest))["size"])
        except FileNotFoundError:
            if self._is_unmounted():
                raise
            return None

    @contextmanager
    def _staging_folder(self) -> Iterator[Path]:
        with TemporaryDirectory(prefix="darkroom-") as name:
            yield Path(name)

    def _raw_pieces(self, digest: str) -> Iterator[bytes]:
        with (
            self._translated(missing=digest),
            self._files.open(self._path(digest), "rb", block_size=PIECE_BYTES) as file,
        ):
            while piece := file.read(PIECE_BYTES):
                yield piece

    @contextmanager
    def _translated(self, *, missing: str | None = None) -> Iterator[None]:
        """Turn what the file system raises into a ``StorageError``.

        ``missing`` is the digest of the file that is missing where one is not found.
        """
        try:
            yield
        except self._failures as error:
            if missing and isinstance(error, FileNotFoundError) and not self._is_unmounted():
                raise StorageError(
                    msg(
                        "The stored file {subject} is missing. It may have been purged.",
                        subject=missing[:12],
                    ),
                    code="storage.missing",
                ) from error
            if is_disk_full(error):
                raise DiskFullError from error
            raise StorageAwayError(
                msg("Storage cannot be reached or refused the request. Run “studio doctor”.")
            ) from error
