"""What was installed into a weights folder, with which digest, from where.

The ledger does three things: it pins the sha256 of files that nobody publishes a digest for,
it holds the digest of files converted here, and it stamps each file with the size and time at
which it was last verified, so that a status check costs one ``stat``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from studio import __version__
from studio.errors import WeightError
from studio.models.placement import write_atomically
from studio.words import msg

_VERSION = 1


class LedgerEntry(BaseModel):
    """One file that was accepted.

    Attributes:
        sha256: of the accepted bytes; the pin.
        bytes: size when last verified.
        mtime_ns: modification time when last verified; 0 when the last check failed.
        origin: where it came from, in words.
        installed_at: when, in UTC.
        studio_version: which release accepted or converted it.

    """

    model_config = ConfigDict(frozen=True)

    sha256: str
    bytes: int
    mtime_ns: int
    origin: str
    installed_at: datetime
    studio_version: str

    @classmethod
    def of(cls, path: Path, sha256: str, origin: str) -> LedgerEntry:
        """The entry of a file that was just verified."""
        stat = path.stat()
        return cls(
            sha256=sha256,
            bytes=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            origin=origin,
            installed_at=datetime.now(UTC),
            studio_version=__version__,
        )

    def is_stamp_of(self, stat: os.stat_result) -> bool:
        """Whether the file has not been touched since it was verified."""
        return (self.bytes, self.mtime_ns) == (stat.st_size, stat.st_mtime_ns)

    def restamped(self, stat: os.stat_result) -> LedgerEntry:
        """The entry of the same bytes, verified as they lie there now."""
        return self.model_copy(update={"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns})

    def unstamped(self) -> LedgerEntry:
        """The entry of a file that is no longer what was accepted."""
        return self.model_copy(update={"mtime_ns": 0})


class _Document(BaseModel):
    version: int = _VERSION
    files: dict[str, LedgerEntry] = {}


class Ledger:
    """``ledger.json`` of a weights folder; keys are ``model/file``.

    Reads follow the file as other processes change it. Whoever writes holds the folder's lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._files: dict[str, LedgerEntry] = {}

    def get(self, key: str) -> LedgerEntry | None:
        """The entry of ``key``, if it was ever accepted."""
        return self._read().get(key)

    def put(self, key: str, entry: LedgerEntry) -> None:
        """Write an entry, keeping the others as they are on disk."""
        files = {**self._read(), key: entry}
        document = _Document(files=dict(sorted(files.items())))
        write_atomically(self._path, document.model_dump_json(indent=1).encode())

    def _read(self) -> dict[str, LedgerEntry]:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return {}
        version = (stat.st_mtime_ns, stat.st_ino)
        if version != self._seen:
            try:
                document = _Document.model_validate_json(self._path.read_bytes())
            except ValidationError as error:
                raise WeightError(
                    msg(
                        "{name} in the weights folder cannot be read. Move it away and run "
                        "`studio weights pull` again.",
                        name=self._path.name,
                    ),
                    code="weight.ledger",
                ) from error
            self._files, self._seen = document.files, version
        return self._files
