"""The process behind one pull or import: ``python -m app.weights.worker ID``."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Never
from uuid import UUID

from app.weights.background import WeightWork, WorkFolder, WorkState
from app.weights.management import open_store, record, step_words
from db.types import utc_now
from studio.errors import StudioError
from studio.models.sources import PullProgress
from studio.models.weights import WeightStore
from studio.storage import translating_full_disk
from studio.words import Message, msg, paragraph
from tasks.services import Services, get_services

_WRITE_EVERY_S = 0.5

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Do the work whose id is the one argument, and note what came of it."""
    signal.signal(signal.SIGTERM, _leave)
    services = get_services()
    folder = WorkFolder(services.settings)
    work = folder.get(UUID(arguments[0]))
    with folder.holding(work):
        perform(services, folder, work)


def _leave(number: int, _frame: FrameType | None) -> Never:
    """Stopped: leave by way of every ``finally``, so that no file of gigabytes stays behind."""
    sys.exit(128 + number)


def perform(services: Services, folder: WorkFolder, work: WeightWork) -> None:
    """Pull or import; the outcome goes to the work's file and to the audit."""
    log = _Log(folder, work)
    log.change(state=WorkState.RUNNING, process_id=os.getpid())
    store = open_store(services.settings)
    try:
        with translating_full_disk():
            subject, message = (
                _pull(store, work, log) if work.kind == "pull" else _import(store, work, folder)
            )
    except StudioError as error:
        _end(services, log, WorkState.FAILED, work.subject, error.message)
    except Exception:
        logger.exception("%s of %s failed", work.kind, work.subject)
        message = msg(
            "Something went wrong that the studio did not foresee. Its log has the details."
        )
        _end(services, log, WorkState.FAILED, work.subject, message)
    else:
        _end(services, log, WorkState.DONE, subject, message)


@dataclass
class _Log:
    """Writes the work's file, seldom enough not to wear a disk."""

    folder: WorkFolder
    work: WeightWork
    _written_s: float = field(default=0.0)

    def change(self, **fields: Any) -> None:  # noqa: ANN401 — any field of the work
        self.work = self.work.model_copy(update={**fields, "changed_at": utc_now()})
        self.folder.write(self.work)
        self._written_s = time.monotonic()

    def follow(self, progress: PullProgress) -> None:
        step = step_words(progress)
        if step != self.work.step or time.monotonic() - self._written_s > _WRITE_EVERY_S:
            self.change(step=step, done_bytes=progress.done_bytes, total_bytes=progress.total_bytes)


def _pull(store: WeightStore, work: WeightWork, log: _Log) -> tuple[str, Message]:
    model_id = work.model_id or ""
    store.pull(model_id, log.follow)
    return model_id, msg("{model} is installed.", model=store.catalogue.get(model_id).title)


def _import(store: WeightStore, work: WeightWork, folder: WorkFolder) -> tuple[str, Message]:
    taken = store.import_file(folder.arrived(work), work.model_id)
    ids = list(dict.fromkeys(one.model_id for one in taken))
    titles = tuple(store.catalogue.get(model_id).title for model_id in ids)
    message = msg("{file} was taken in for {models}.", file=work.file_name, models=titles)
    if any(one.was_pinned for one in taken):
        pinned = msg("Nobody publishes its digest, so these bytes are pinned.")
        message = paragraph([message, pinned])
    return ", ".join(ids), message


def _end(services: Services, log: _Log, state: WorkState, subject: str, message: Message) -> None:
    log.change(state=state, message=message)
    outcome = "done" if state is WorkState.DONE else "failed"
    record(
        services,
        log.work.actor_id,
        f"weights.{log.work.kind}_{outcome}",
        subject,
        ip=log.work.ip,
        detail={"message": message.to_json()},
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(sys.argv[1:])
