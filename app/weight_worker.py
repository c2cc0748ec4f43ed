"""The process behind one pull or import: ``python -m app.weight_worker ID``."""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.weight_work import WeightWork, WorkFolder, WorkState
from app.weights import open_store, record
from db.types import utc_now
from studio.errors import StudioError
from studio.models.sources import PullProgress
from studio.models.weights import WeightStore
from tasks.services import Services, get_services

_WRITE_EVERY_S = 0.5

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> None:
    """Do the work whose id is the one argument, and note what came of it."""
    services = get_services()
    folder = WorkFolder(services.settings)
    work = folder.get(UUID(arguments[0]))
    with folder.holding(work):
        perform(services, folder, work)


def perform(services: Services, folder: WorkFolder, work: WeightWork) -> None:
    """Pull or import; the outcome goes to the work's file and to the audit."""
    log = _Log(folder, work)
    log.change(state=WorkState.RUNNING, process_id=os.getpid())
    store = open_store(services.settings)
    try:
        subject, message = (
            _pull(store, work, log) if work.kind == "pull" else _import(store, work, folder)
        )
    except StudioError as error:
        _end(services, log, WorkState.FAILED, work.model_id or work.file_name, error.message)
    except Exception:
        logger.exception("%s of %s failed", work.kind, work.model_id or work.file_name)
        message = "Something went wrong that the studio did not foresee. Its log has the details."
        _end(services, log, WorkState.FAILED, work.model_id or work.file_name, message)
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
        step = f"{progress.step} {progress.what}" if progress.what else progress.step
        if step != self.work.step or time.monotonic() - self._written_s > _WRITE_EVERY_S:
            self.change(step=step, done_bytes=progress.done_bytes, total_bytes=progress.total_bytes)


def _pull(store: WeightStore, work: WeightWork, log: _Log) -> tuple[str, str]:
    model_id = work.model_id or ""
    store.pull(model_id, log.follow)
    return model_id, f"{store.catalogue.get(model_id).title} is installed."


def _import(store: WeightStore, work: WeightWork, folder: WorkFolder) -> tuple[str, str]:
    taken = store.import_file(folder.arrived(work), work.model_id)
    ids = list(dict.fromkeys(one.model_id for one in taken))
    titles = " and ".join(store.catalogue.get(model_id).title for model_id in ids)
    pinned = [one for one in taken if one.was_pinned]
    note = " Nobody publishes its digest, so these bytes are pinned." if pinned else ""
    return ", ".join(ids), f"{work.file_name} was taken in for {titles}.{note}"


def _end(services: Services, log: _Log, state: WorkState, subject: str, message: str) -> None:
    log.change(state=state, message=message)
    outcome = "done" if state is WorkState.DONE else "failed"
    record(
        services,
        log.work.actor_id,
        f"weights.{log.work.kind}_{outcome}",
        subject,
        ip=log.work.ip,
        detail={"message": message},
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(sys.argv[1:])
