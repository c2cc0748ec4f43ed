"""The weights folder on disk: which files can be trusted, and how one takes its place.

Layout: ``<folder>/<model id>/<file>``, a ``ledger.json`` of what was accepted, and, while
something is fetched, ``.fetch/`` and ``*.part``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from studio.errors import WeightError
from studio.models import digests
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.ledger import Ledger, LedgerEntry
from studio.models.placement import commit, staged
from studio.words import Message, msg

ABSENT = msg("it is not there")
"""The fault of a file that does not exist."""


class WeightFolder:
    """Checks and places files; safe to share between threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ledger = Ledger(root / "ledger.json")
        # What was found of files whose stamp could not be written, by (size, mtime).
        self._findings: dict[Path, tuple[tuple[int, int], Message | None]] = {}

    def path(self, spec: ModelSpec, file: WeightFile) -> Path:
        """Where a file belongs, whether or not it is there."""
        return self.root / spec.id / file.name

    def entry(self, spec: ModelSpec, file: WeightFile) -> LedgerEntry | None:
        """What the ledger says of a file."""
        return self._ledger.get(_key(spec, file))

    def fault(self, spec: ModelSpec, file: WeightFile) -> Message | None:
        """Why a file cannot be served, or None; costs one ``stat`` unless it was touched."""
        path = self.path(spec, file)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return ABSENT
        entry = self.entry(spec, file)
        if entry is not None and entry.is_stamp_of(stat) and file.sha256 in (None, entry.sha256):
            return None
        found = self._findings.get(path)
        if found is not None and found[0] == (stat.st_size, stat.st_mtime_ns):
            return found[1]
        return self.verify(spec, file)

    def find_sound(self, spec: ModelSpec, file: WeightFile) -> Path | None:
        """Where a file lies that can be served; None where it does not, or is damaged."""
        return None if self.fault(spec, file) else self.path(spec, file)

    def verify(self, spec: ModelSpec, file: WeightFile) -> Message | None:
        """Read a file and compare its digests with catalogue and ledger; the fault or None."""
        path = self.path(spec, file)
        try:
            stat = path.stat()
            measured = digests.measure(path, digests.kinds_of(file))
        except FileNotFoundError:
            return ABSENT
        entry = self.entry(spec, file)
        reason = digests.fault(file, measured, pinned=entry.sha256 if entry else None)
        if entry is None and not file.digests:
            reason = msg("it was not put there by this studio and nobody publishes its digest")
        self._findings[path] = ((stat.st_size, stat.st_mtime_ns), reason)
        if reason is None:
            entry = entry or LedgerEntry.of(path, measured.sha256, "found in the weights folder")
            self._stamp(spec, file, entry.restamped(stat))
        elif entry is not None and entry.is_stamp_of(stat):
            self._stamp(spec, file, entry.unstamped())
        return reason

    def place(
        self,
        spec: ModelSpec,
        file: WeightFile,
        temporary: Path,
        *,
        origin: str,
        repin: bool = False,
        try_out: Callable[[Path, ModelSpec, WeightFile], object] = lambda *_: None,
    ) -> LedgerEntry:
        """Check a staged file, note it in the ledger and rename it into place.

        The caller holds the folder. ``try_out`` sees a file whose digests are right, and may still
        refuse it.

        Raises:
            WeightError: ``weight.digest``, or what ``try_out`` raises; nothing was changed.

        """
        known = None if repin or file.is_made else self.entry(spec, file)
        measured = digests.measure(temporary, digests.kinds_of(file))
        digests.require(spec.id, file, measured, pinned=known.sha256 if known else None)
        try_out(temporary, spec, file)
        entry = LedgerEntry.of(temporary, measured.sha256, origin)
        # The ledger first: a file without its entry would be taken for a stranger's.
        self._ledger.put(_key(spec, file), entry)
        commit(temporary, self.path(spec, file))
        return entry

    @contextmanager
    def staged(self, spec: ModelSpec, file: WeightFile) -> Iterator[Path]:
        """A temporary file beside a file's place; gone afterwards unless placed."""
        final = self.path(spec, file)
        final.parent.mkdir(parents=True, exist_ok=True)
        with staged(final) as temporary:
            yield temporary

    def clear(self, spec: ModelSpec) -> int:
        """Remove everything a model has here; the bytes freed. The caller holds the folder."""
        folder = self.root / spec.id
        files = [path for path in folder.glob("*") if path.is_file()]
        freed_bytes = sum(path.stat().st_size for path in files)
        if folder.exists():
            shutil.rmtree(folder)
        return freed_bytes

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other processes that bring files in.

        Raises:
            WeightError: ``weight.folder``, the disk refused something inside.

        """
        try:
            with self._lock():
                yield
        except OSError as error:
            raise WeightError(
                msg(
                    "The weights folder cannot be used: {fault}. Check its owner and the free "
                    "space.",
                    fault=error.strerror or str(error),
                ),
                code="weight.folder",
            ) from error

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A scratch folder on the same disk; what a killed pull left is swept first."""
        scratch = self.root / ".fetch"
        shutil.rmtree(scratch, ignore_errors=True)
        for stale in self.root.glob("*/.*.tmp"):
            stale.unlink()
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _stamp(self, spec: ModelSpec, file: WeightFile, entry: LedgerEntry) -> None:
        """Write a stamp if that can be done at once; ``_findings`` serves this process anyway."""
        try:
            with self._lock().acquire(blocking=False):
                self._ledger.put(_key(spec, file), entry)
        except OSError:  # a read-only folder, or somebody holds it
            return

    def _lock(self) -> FileLock:
        # A new one each time: a lock object does not survive the fork of a worker.
        return FileLock(self.root / ".lock")


def _key(spec: ModelSpec, file: WeightFile) -> str:
    return f"{spec.id}/{file.name}"
