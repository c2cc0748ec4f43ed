"""Pulls and imports that run in the background, each in a process of its own.

A pull takes minutes and may convert a graph, so it has no place in the web process, and the
one worker of the maintenance lane must stay free to take lost jobs back. What is under way is
a file each in ``data_dir``: it survives a change of page, a reload and a restart of the web
process. A lock that the process holds tells whether it still lives.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Thread
from typing import Literal
from uuid import UUID

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from db.types import new_id, utc_now
from studio.models.placement import write_atomically
from studio.settings import ROOT, Settings
from studio.storage import translating_full_disk
from studio.words import Message, msg
from tasks.supervisor import environment

KEPT_FOR = timedelta(days=1)
"""Finished work is listed this long, unless somebody dismisses it before."""
_START_WITHIN = timedelta(seconds=60)
"""A process that has not taken its lock after this long never will."""


class WorkState(StrEnum):
    """How far a piece of work is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self in (WorkState.DONE, WorkState.FAILED)


class WeightWork(BaseModel):
    """One pull or import, as its file holds it.

    Attributes:
        model_id: what to pull; of an import, the model that the person named, if any.
        file_name: of an import, the name the file was dropped under.
        actor_id: who asked, for the audit.
        ip: where from.
        step: what is being done, in words.
        done_bytes, total_bytes: of that step; None when not known.
        message: what came of it, in a sentence.
        process_id: of the process at work, once it is.

    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    kind: Literal["pull", "import"]
    model_id: str | None = None
    file_name: str = ""
    actor_id: UUID | None = None
    ip: str = ""
    state: WorkState = WorkState.WAITING
    step: Message = Message("")
    done_bytes: int = 0
    total_bytes: int | None = None
    message: Message = Message("")
    process_id: int | None = None
    started_at: datetime
    changed_at: datetime

    @property
    def subject(self) -> str:
        """What it is about, as the audit names it."""
        return self.model_id or self.file_name


class WorkFolder:
    """What is under way, and what came of what was; safe to share between processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.data_dir / "weight-work"

    def pull(self, model_id: str, *, actor_id: UUID | None, ip: str) -> WeightWork:
        """Begin to fetch a model; of one that is being fetched, that work."""
        for work in self.all():
            if work.kind == "pull" and work.model_id == model_id and not work.state.is_over:
                return work
        return self._begin(_new("pull", model_id=model_id, actor_id=actor_id, ip=ip))

    def incoming(self) -> Path:
        """An empty folder for a file that is about to arrive, on the disk of all others."""
        folder = self._root / str(new_id())
        folder.mkdir(parents=True)
        return folder

    def import_file(
        self, path: Path, *, model_id: str | None, actor_id: UUID | None, ip: str
    ) -> WeightWork:
        """Begin to take in ``path``, which lies in a folder that ``incoming`` gave.

        The folder goes when the work ends.
        """
        work = _new("import", model_id=model_id, actor_id=actor_id, ip=ip, file_name=path.name)
        path.parent.rename(self._arrival(work.id))
        return self._begin(work)

    def arrived(self, work: WeightWork) -> Path:
        """The file that an import takes in."""
        return self._arrival(work.id) / work.file_name

    def all(self) -> list[WeightWork]:
        """All work, the latest first; what died on the way counts as failed."""
        found = [work for path in self._root.glob("*.json") if (work := self._read(path))]
        return sorted(map(self._as_it_is, found), key=lambda work: work.id, reverse=True)

    def get(self, work_id: UUID) -> WeightWork:
        """One piece of work as its file holds it."""
        return WeightWork.model_validate_json(self._file(work_id).read_bytes())

    def write(self, work: WeightWork) -> None:
        """Note how far ``work`` is."""
        write_atomically(self._file(work.id), work.model_dump_json().encode())

    def stop(self, work: WeightWork) -> bool:
        """End the process at work; what it has fetched so far is used by the next pull.

        Returns whether there was one to end.
        """
        found = self._read(self._file(work.id))
        current = self._as_it_is(found) if found else None
        if current is None or current.state.is_over or current.process_id is None:
            return False
        try:
            # It leads a process group of its own, which a package client belongs to as well.
            os.killpg(current.process_id, signal.SIGTERM)
        except ProcessLookupError:  # it ended meanwhile
            return False
        return True

    def dismiss(self, work: WeightWork) -> None:
        """Forget work that is over."""
        if self._as_it_is(work).state.is_over:
            shutil.rmtree(self._arrival(work.id), ignore_errors=True)
            for path in (self._file(work.id), self._lock_file(work.id)):
                path.unlink(missing_ok=True)

    def forget_old(self) -> None:
        """Dismiss what has been over for ``KEPT_FOR``."""
        for work in self.all():
            if utc_now() - work.changed_at > KEPT_FOR:
                self.dismiss(work)
        for folder in filter(Path.is_dir, self._root.glob("*")):
            with suppress(FileNotFoundError):  # somebody else has just removed it
                if time.time() - folder.stat().st_mtime > KEPT_FOR.total_seconds():
                    shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def holding(self, work: WeightWork) -> Iterator[None]:
        """Held by the process at work for as long as it lives."""
        with FileLock(self._lock_file(work.id)):
            try:
                yield
            finally:
                shutil.rmtree(self._arrival(work.id), ignore_errors=True)

    def _begin(self, work: WeightWork) -> WeightWork:
        self.forget_old()
        with translating_full_disk():
            self._root.mkdir(parents=True, exist_ok=True)
            self.write(work)
        with (self._root / "log.txt").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 — our own command
                [sys.executable, "-m", "app.weights.worker", str(work.id)],
                cwd=ROOT,
                env=environment(self._settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Its file tells how it ended; this only takes it off the list of processes.
        Thread(target=process.wait, name=f"reaps {work.id}", daemon=True).start()
        return work

    def _as_it_is(self, work: WeightWork) -> WeightWork:
        if work.state.is_over or self._is_alive(work):
            return work
        # It may have ended between the reading of its file and the look at its lock.
        work = self._read(self._file(work.id)) or work
        if work.state.is_over:
            return work
        message = (
            msg("This was interrupted. Install it again: it goes on from where it was.")
            if work.kind == "pull"
            else msg("This was interrupted. Drop the file again.")
        )
        return work.model_copy(update={"state": WorkState.FAILED, "message": message})

    def _is_alive(self, work: WeightWork) -> bool:
        if work.state is WorkState.WAITING and utc_now() - work.started_at < _START_WITHIN:
            return True
        try:
            with FileLock(self._lock_file(work.id), timeout=0):
                return False
        except Timeout:
            return True

    def _read(self, path: Path) -> WeightWork | None:
        try:
            return WeightWork.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):  # dismissed meanwhile, or by another release
            return None

    def _file(self, work_id: UUID) -> Path:
        return self._root / f"{work_id}.json"

    def _lock_file(self, work_id: UUID) -> Path:
        return self._root / f"{work_id}.lock"

    def _arrival(self, work_id: UUID) -> Path:
        return self._root / f"{work_id}.file"


def _new(
    kind: Literal["pull", "import"],
    *,
    model_id: str | None,
    actor_id: UUID | None,
    ip: str,
    file_name: str = "",
) -> WeightWork:
    now = utc_now()
    return WeightWork(
        id=new_id(),
        kind=kind,
        model_id=model_id,
        file_name=file_name,
        actor_id=actor_id,
        ip=ip,
        started_at=now,
        changed_at=now,
    )
