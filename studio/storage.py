"""Content-addressed files over fsspec: each lies under the SHA-256 of its bytes.

``file://`` keeps them in folders ``ab/cd/abcd…``, ``s3://bucket/prefix`` under keys of the
same form, ``memory://`` in the process, for tests.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]  # it ships no types

from studio.errors import DiskFullError, StorageAwayError, StorageError
from studio.words import msg

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PARTIAL_SUFFIX = ".partial"
_S3_CONFIG = {
    # A server that says nothing must not hold a worker: the job is tried again instead.
    "connect_timeout": 3,
    "read_timeout": 10,
    "retries": {"max_attempts": 1, "mode": "standard"},
}
_S3_TRIES = 2
_TAKES_NOT_MANY = frozenset(
    {
        "405",
        "501",
        "InvalidArgument",
        "InvalidRequest",
        "MethodNotAllowed",
        "MissingContentMD5",
        "NotImplemented",
    }
)
"""What servers say that know no request to delete many files, or not as we make it."""
_PIECE_BYTES = 1_000_000
_INCOMING = "incoming"

_log = logging.getLogger(__name__)


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


class BlobStore:
    """Files by digest. Safe to share between threads and to use after a fork.

    Every method raises ``StorageAwayError``, ``DiskFullError``, or ``StorageError`` with code
    ``storage.missing`` (no such file) or ``storage.damaged`` (its bytes do not match its name).
    """

    def __init__(self, url: str, endpoint_url: str | None = None) -> None:
        """Nothing is contacted yet.

        Args:
            url: where files lie, such as ``file:///srv/blobs`` or ``s3://bucket/prefix``.
            endpoint_url: S3-compatible server, when it is not the default one.

        """
        self._protocol, _, location = url.rpartition("://")
        self._protocol = self._protocol or "file"
        self._is_local = self._protocol == "file"
        self._root = str(Path(location).absolute()) if self._is_local else location.rstrip("/")
        self._deletes_many = self._protocol == "s3"
        self._options: dict[str, Any] = {}
        if self._protocol == "s3":
            # other processes write too, so a remembered listing would be stale
            self._options = {"use_listings_cache": False, "config_kwargs": _S3_CONFIG}
            if endpoint_url:
                self._options["endpoint_url"] = endpoint_url

    def prepare(self) -> None:
        """Make the folder or bucket where there is none.

        Nothing else makes it: a folder that is gone later is a disk that is not mounted.
        """
        root = self._root if self._is_local else self._root.partition("/")[0]
        with self._translated("root"):
            self._files.makedirs(root, exist_ok=True)

    @contextmanager
    def staging(self) -> Iterator[Arriving]:
        """A new file on this machine, to be written; ``take`` stores it once it is finished.

        The staged file itself is gone at the end.
        """
        with self._staging_folder() as folder:
            path = folder / f"{uuid4().hex}{_PARTIAL_SUFFIX}"
            arriving = Arriving(path, partial(self._translated, "incoming"))
            try:
                yield arriving
            finally:
                arriving.discard()

    @contextmanager
    def staged(self, source: BinaryIO) -> Iterator[Staged]:
        """``source``, from its start to its end, as ``staging`` writes it, to be looked at."""
        with self.staging() as arriving:
            with self._translated("incoming"):
                source.seek(0)
                for piece in iter(lambda: source.read(_PIECE_BYTES), b""):
                    arriving.write(piece)
            yield arriving.finish()

    def take(self, staged: Staged) -> str:
        """Store a staged file and return its SHA-256 in hex.

        Atomic: readers see the whole file or none. Idempotent: the same bytes are stored
        once. A damaged copy is replaced, but where a server keeps it only if its size is wrong.
        """
        with self._translated(staged.sha256):
            # A local file moves in at no cost; to send or read it again costs what it weighs.
            if self._is_local or self._size(staged.sha256) != staged.size_bytes:
                self._move_in(staged)
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

        Where the reader finds the file gone, that is a ``StorageError``; whatever else goes wrong
        for it is its own affair.
        """
        if self._is_local:
            path = Path(self._path(digest))
            for _ in self.pieces(digest):
                pass
            try:
                yield path
            except OSError as error:
                names_another = (
                    isinstance(error.filename, str | Path) and Path(error.filename) != path
                )
                if names_another or path.is_file():
                    raise
                with self._translated(digest, missing=True):
                    raise
            return
        with self._staging_folder() as folder:
            copy = folder / f"{uuid4().hex}{_PARTIAL_SUFFIX}"
            with self._translated("a copy on this machine"):
                _write_pieces(copy, self.pieces(digest))
            yield copy

    def exists(self, digest: str) -> bool:
        """Whether a file is stored under ``digest``; its bytes are not read."""
        with self._translated(digest):
            return self._size(digest) is not None

    def delete(self, digest: str) -> None:
        """Remove the file; nothing happens when there is none."""
        with self._translated(digest):
            # S3 does not mind one that is not there, and to ask for each would be a request more.
            if self._protocol == "s3" or self._size(digest) is not None:
                self._files.rm_file(self._path(digest))

    def delete_all(self, digests: Collection[str]) -> None:
        """As ``delete``, in one request where the server takes many, else one by one.

        Such a request does not tell of a single file that it could not remove.
        """
        if digests and self._deletes_many:
            self._deletes_many = self._delete_at_once(digests)
            if self._deletes_many:
                return
            _log.warning("the server of storage deletes one file a request: that takes longer")
        for digest in digests:
            self.delete(digest)

    def _delete_at_once(self, digests: Collection[str]) -> bool:
        """Remove all in one request; False where the server takes no such requests."""
        with self._translated("deleting"):
            try:
                self._files.rm([self._path(digest) for digest in digests])
            except OSError as error:
                if _s3_code(error) not in _TAKES_NOT_MANY:
                    raise
                return False
        return True

    def iter_digests(self) -> Iterator[str]:
        """The digests of all stored files, in no particular order."""
        with self._translated("listing"):
            paths = self._files.find(self._root)
        for path in paths:
            name = path.rpartition("/")[2]
            if _DIGEST.fullmatch(name):
                yield name

    def local_path(self, digest: str) -> Path | None:
        """Where the file lies on this machine, to be served without a copy.

        None when it is not stored, or not stored as a local file.
        """
        if not self._is_local:
            return None
        path = Path(self._path(digest))
        return path if path.is_file() else None

    def remove_partial(self, older_than_s: float) -> int:
        """Remove what interrupted writes left behind; how many files that were.

        Only local storage can leave any: elsewhere the server drops unfinished uploads.
        """
        if not self._is_local:
            return 0
        removed = 0
        with self._translated("partial files"):
            for path in Path(self._root).rglob(f"*{_PARTIAL_SUFFIX}"):
                with suppress(FileNotFoundError):  # its write has ended meanwhile
                    if time.time() - path.stat().st_mtime > older_than_s:
                        path.unlink()
                        removed += 1
        return removed

    @property
    def _files(self) -> fsspec.AbstractFileSystem:
        """The filesystem; fsspec keeps one for each process, so a fork never shares sockets."""
        files = fsspec.filesystem(self._protocol, **self._options)
        if self._protocol == "s3":
            files.retries = _S3_TRIES
        return files

    def _is_unmounted(self) -> bool:
        """Whether all files are gone at once: that is storage away, not a file missing."""
        return self._is_local and not Path(self._root).is_dir()

    def _path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise StorageError(msg("There is no such stored file."), code="storage.missing")
        return f"{self._root}/{digest[:2]}/{digest[2:4]}/{digest}"

    def _size(self, digest: str) -> int | None:
        try:
            return int(self._files.info(self._path(digest))["size"])
        except FileNotFoundError:
            if self._is_unmounted():
                raise
            return None

    @contextmanager
    def _staging_folder(self) -> Iterator[Path]:
        """On the disk of local storage, so that taking a file in is a rename."""
        if self._is_local:
            folder = Path(self._root) / _INCOMING
            with self._translated("incoming"):
                folder.mkdir(exist_ok=True)
            yield folder
        else:
            with TemporaryDirectory(prefix="darkroom-") as name:
                yield Path(name)

    def _move_in(self, staged: Staged) -> None:
        path = self._path(staged.sha256)
        if self._is_local:
            _enter(staged.path, Path(path))
        else:
            self._files.put_file(str(staged.path), path)

    def _raw_pieces(self, digest: str) -> Iterator[bytes]:
        with (
            self._translated(digest, missing=True),
            self._files.open(self._path(digest), "rb", block_size=_PIECE_BYTES) as file,
        ):
            while piece := file.read(_PIECE_BYTES):
                yield piece

    @contextmanager
    def _translated(self, subject: str, *, missing: bool = False) -> Iterator[None]:
        """Turn what storage raises into a ``StorageError``."""
        try:
            yield
        except _failures(self._protocol) as error:
            if missing and isinstance(error, FileNotFoundError) and not self._is_unmounted():
                raise StorageError(
                    msg(
                        "The stored file {subject} is missing. It may have been purged.",
                        subject=subject[:12],
                    ),
                    code="storage.missing",
                ) from error
            if is_disk_full(error):
                raise DiskFullError from error
            raise StorageAwayError(
                msg("Storage cannot be reached or refused the request. Run “studio doctor”.")
            ) from error


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` says that a disk, or this user's share of it, has no room."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def translating_full_disk() -> Iterator[None]:
    """Turn what a full disk raises into a ``DiskFullError``; for what is written beside storage."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError from error


@cache
def _failures(protocol: str) -> tuple[type[Exception], ...]:
    if protocol != "s3":
        return (OSError,)
    # they ship no types
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )
    from s3fs.core import S3_RETRYABLE_ERRORS  # type: ignore[import-untyped]

    # What it has tried again in vain it raises as it came, such as an answer that breaks off.
    return (OSError, BotoCoreError, ClientError, *S3_RETRYABLE_ERRORS)


def _s3_code(error: OSError) -> str | None:
    """What a server of S3 called a refusal; None where it did not answer."""
    answer = getattr(error.__cause__, "response", None) or {}
    code: str | None = answer.get("Error", {}).get("Code")
    return code


def _write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a new file and force it to disk."""
    with path.open("xb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _enter(staged: Path, path: Path) -> None:
    """Make ``staged`` appear as ``path``, whole, and stay where it is."""
    for folder in (path.parent.parent, path.parent):  # never the root above: see ``prepare``
        folder.mkdir(exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex}{_PARTIAL_SUFFIX}")
    try:
        try:
            os.link(staged, part)
        except OSError:  # a file system without links
            with staged.open("rb") as file:
                _write_pieces(part, iter(lambda: file.read(_PIECE_BYTES), b""))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
