"""One token, one job: claim the fairest, run it, store what it made, settle it.

Light to import, as the parent of the worker's children does it before it forks; the
runtimes come in with ``tasks.toolbox``, inside the child.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from secrets import token_hex

from celery.signals import worker_process_init

from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import Claim, JobFile, QueueRepository
from db.types import Lane
from studio.errors import (
    JobCancelledError,
    RetriableError,
    StorageError,
    StudioError,
    UserInputError,
)
from tasks.celery_app import WORK_TASK, app, wake
from tasks.files import keep
from tasks.heartbeat import Heartbeat
from tasks.services import Services, get_services

STORAGE_PAUSE_S = 5.0
"""Rest before a job is given back because storage was out of reach."""

Settlement = Callable[[QueueRepository], object]
"""The one transition that ends an attempt."""

logger = logging.getLogger(__name__)


@app.task(name=WORK_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def work(lane: str) -> None:
    """A wake-up token arrived: run one job of ``lane``, if there is any."""
    run_next(get_services(), Lane(lane))


def run_next(services: Services, lane: Lane) -> bool:
    """Claim and run the fairest job of ``lane``; False when there was none."""
    with services.database.write() as session:
        lease_s = services.settings.lease_s
        claim = QueueRepository(session).claim(lane, worker_name(os.getpid()), lease_s=lease_s)
    if claim is None:
        return False
    execute(services, claim)
    with services.database.read() as session:
        is_more = FairShareRepository(session).queued_counts()[lane] > 0
    if is_more:
        wake(services.settings, lane)
    return True


def execute(services: Services, claim: Claim) -> None:
    """Run a claimed job and settle it; a claim that was lost meanwhile changes nothing."""
    logger.info("job %s: attempt %d, %s", claim.job_id, claim.attempt, claim.tool)
    with Heartbeat(services, claim) as heartbeat:
        settle = _attempt(services, claim, heartbeat)
        with services.database.write() as session:
            settle(QueueRepository(session))


def _attempt(services: Services, claim: Claim, heartbeat: Heartbeat) -> Settlement:
    """Run the tool and store its files; says how the attempt ends."""
    fail = partial(QueueRepository.fail, claim=claim)
    try:
        return _finish(services, claim, heartbeat)
    except JobCancelledError:
        return partial(QueueRepository.stop, claim=claim)
    except RetriableError as error:
        return _give_back(services, claim, heartbeat, error, error.delay_s)
    except StorageError as error:
        if error.code == "storage.unreachable":
            return _give_back(services, claim, heartbeat, error, STORAGE_PAUSE_S)
        return partial(fail, code=error.code, message=error.message)
    except UserInputError as error:
        regions = [asdict(region) for region in error.regions]
        return partial(fail, code=error.code, message=error.message, regions=regions)
    except StudioError as error:
        return partial(fail, code=error.code, message=error.message)
    except MemoryError:
        logger.exception("job %s: out of memory", claim.job_id)
        message = "The worker ran out of memory. Try a smaller picture, or a smaller scale."
        return partial(fail, code="memory", message=message)
    except Exception:
        logger.exception("job %s: failed unexpectedly", claim.job_id)
        message = "Something went wrong inside the studio. The worker's log has the details."
        return partial(fail, code="internal", message=message)


def _finish(services: Services, claim: Claim, heartbeat: Heartbeat) -> Settlement:
    """Files go to storage before the transaction that names them, never after."""
    from tasks import toolbox  # imports the runtimes, which must not be forked

    heartbeat.on_stop = partial(toolbox.interrupt, services.settings)
    result = toolbox.run(services, claim, heartbeat.sink)
    outputs = []
    for output in result.outputs:
        stored = keep(
            services,
            output.data,
            file_name=output.file_name,
            media_type=output.media_type,
            width_px=output.width_px,
            height_px=output.height_px,
        )
        outputs.append(JobFile(output.role, stored.file_name, stored.sha256))
    record = result.record.model_dump(mode="json")
    return partial(QueueRepository.finish, claim=claim, outputs=outputs, record=record)


def _give_back(
    services: Services, claim: Claim, heartbeat: Heartbeat, error: StudioError, delay_s: float
) -> Settlement:
    logger.warning("job %s: %s", claim.job_id, error)
    heartbeat.rest(delay_s)
    return partial(
        QueueRepository.release,
        claim=claim,
        code=error.code,
        message=error.message,
        max_attempts=services.settings.max_attempts,
    )


@cache
def worker_name(pid: int) -> str:
    """Who holds a lease: unique, even where process ids come round again."""
    return f"{socket.gethostname()}:{pid}:{token_hex(4)}"


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _load_toolbox(**_: object) -> None:
    """Import the runtimes when a child starts, not when its first job waits for them."""
    from tasks import toolbox  # noqa: F401 — the import is the purpose
