"""Content-addressed files over fsspec: each lies under the SHA-256 of its bytes.

``file://`` keeps them in folders ``ab/cd/abcd…``, ``s3://bucket/prefix`` under keys of the
same form, ``memory://`` in the process, for tests.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]  # it ships no types

from studio.errors import StorageError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PARTIAL_SUFFIX = ".partial"


class BlobStore:
    """Files by digest. Safe to share between threads and to use after a fork.

    Every method raises ``StorageError`` with code ``storage.missing`` (no such file),
    ``storage.damaged`` (its bytes no longer match its name) or ``storage.unreachable``.
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
        self._options: dict[str, Any] = {}
        if self._protocol == "s3":
            # other processes write too, so a remembered listing would be stale
            self._options = {"use_listings_cache": False}
            if endpoint_url:
                self._options["endpoint_url"] = endpoint_url

    def prepare(self) -> None:
        """Make the folder or bucket where there is none."""
        root = self._root if self._is_local else self._root.partition("/")[0]
        with self._translated("root"):
            if not self._files.exists(root):
                self._files.mkdir(root)

    def put(self, data: bytes) -> str:
        """Store ``data`` and return its SHA-256 in hex.

        Atomic: readers see the whole file or none. Idempotent: the same bytes are stored
        once, and a damaged copy is replaced.
        """
        digest = hashlib.sha256(data).hexdigest()
        with self._translated(digest):
            if self._size(digest) != len(data):
                self._write(digest, data)
        return digest

    def read(self, digest: str) -> bytes:
        """The bytes, checked against ``digest``."""
        with self._translated(digest, missing=True):
            data: bytes = self._files.cat_file(self._path(digest))
        if hashlib.sha256(data).hexdigest() != digest:
            raise StorageError(
                f"The stored file {digest[:12]} is damaged. Restore it from a backup.",
                code="storage.damaged",
            )
        return data

    def exists(self, digest: str) -> bool:
        """Whether a file is stored under ``digest``; its bytes are not read."""
        with self._translated(digest):
            return self._size(digest) is not None

    def delete(self, digest: str) -> None:
        """Remove the file; nothing happens when there is none."""
        with self._translated(digest):
            if self._size(digest) is not None:
                self._files.rm_file(self._path(digest))

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
            for path in Path(self._root).glob(f"*/*/*{_PARTIAL_SUFFIX}"):
                if time.time() - path.stat().st_mtime > older_than_s:
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    @property
    def _files(self) -> fsspec.AbstractFileSystem:
        """The filesystem; fsspec keeps one for each process, so a fork never shares sockets."""
        return fsspec.filesystem(self._protocol, **self._options)

    def _path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise StorageError("There is no such stored file.", code="storage.missing")
        return f"{self._root}/{digest[:2]}/{digest[2:4]}/{digest}"

    def _size(self, digest: str) -> int | None:
        try:
            return int(self._files.info(self._path(digest))["size"])
        except FileNotFoundError:
            return None

    def _write(self, digest: str, data: bytes) -> None:
        path = self._path(digest)
        if self._is_local:
            _write_atomically(Path(path), data)
        else:
            self._files.pipe_file(path, data)

    @contextmanager
    def _translated(self, subject: str, *, missing: bool = False) -> Iterator[None]:
        """Turn what storage raises into a ``StorageError``."""
        try:
            yield
        except _failures(self._protocol) as error:
            if missing and isinstance(error, FileNotFoundError):
                raise StorageError(
                    f"The stored file {subject[:12]} is missing. It may have been purged.",
                    code="storage.missing",
                ) from error
            raise StorageError(
                "Storage cannot be reached or refused the request. Run “studio doctor”.",
                code="storage.unreachable",
            ) from error


@cache
def _failures(protocol: str) -> tuple[type[Exception], ...]:
    if protocol != "s3":
        return (OSError,)
    # it ships no types
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    return (OSError, BotoCoreError, ClientError)


def _write_atomically(path: Path, data: bytes) -> None:
    """Write beside ``path``, force to disk, rename: after a power cut it is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}{_PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
