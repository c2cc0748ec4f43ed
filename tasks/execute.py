"""One token, one job: claim the fairest, run it, store what it made, settle it.

Light to import, as the parent of the worker's children does it before it forks; the
runtimes come in with ``tasks.tool_runner``, inside the child.
"""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from secrets import token_hex

from celery.signals import worker_process_init
from sqlalchemy.orm import Session

from db.errors import DatabaseAwayError
from db.repositories.fair_shares import FairShareRepository
from db.repositories.needs import NeedRepository
from db.repositories.queue import Claim, JobFile, QueueRepository
from db.types import Lane
from studio.errors import DiskFullError, OutOfMemoryError, StudioError, Verdict
from studio.record import RunRecord
from studio.storage import is_disk_full
from studio.tools.registry import load_params
from studio.words import msg
from tasks.celery_app import WORK_TASK, app, wake
from tasks.files import keep_staged
from tasks.heartbeat import Heartbeat, Settlement
from tasks.reuse import ReuseKeys, digests_by_role
from tasks.services import Services, get_services

LONGEST_POSTPONEMENT_S = 60.0
"""However often a job was postponed, it is tried again after this long."""
_MOST_DOUBLINGS = 16
"""Of a postponement, which is the longest by then; without a bound the number would overflow."""

logger = logging.getLogger(__name__)


@app.task(name=WORK_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def work(lane: str) -> None:
    """A wake-up token arrived: run one job of ``lane``, if there is any."""
    services, own_lane = replace(get_services(), wait_s=math.inf), Lane(lane)
    run_next(services, own_lane, give_up=partial(_end_process, services, own_lane))


def run_next(services: Services, lane: Lane, give_up: Callable[[], None] | None = None) -> bool:
    """Claim and run the fairest job of ``lane``; False when there was none.

    ``give_up`` ends a stopped run that does not end by itself, and the process with it.
    """
    claim = _claim(services, lane)
    if claim is None:
        return False
    execute(services, claim, give_up)
    with services.database.read() as session:
        queued_by_it = NeedRepository(session).lanes_after(claim.job_id)
    _wake(services, queued_by_it | _due(services, lane))
    return True


def _due(services: Services, lane: Lane) -> set[Lane]:
    """``lane``, if somebody waits in it."""
    with services.database.read() as session:
        return {lane} if FairShareRepository(session).queued_counts()[lane] > 0 else set()


def _wake(services: Services, lanes: set[Lane]) -> None:
    for lane in sorted(lanes):
        wake(services.settings, lane)


def _end_process(services: Services, lane: Lane) -> None:
    """End this worker child, which its parent replaces; the next job's token goes out first.

    What is resident is lost with it, and no attempt: the job that ran here is settled already.
    """
    logger.warning("a stopped run does not end: its process does")
    try:
        _wake(services, _due(services, lane))
    except Exception:  # whatever it is, the slot must be free again
        logger.warning("no wake-up token for %s", lane, exc_info=True)
    os._exit(os.EX_TEMPFAIL)


def _claim(services: Services, lane: Lane) -> Claim | None:
    worker, lease_s = _holder_name(), services.settings.lease_s

    def claim(session: Session) -> Claim | None:
        return QueueRepository(session).claim(lane, worker, lease_s=lease_s)

    try:
        with services.database.write() as session:
            return claim(session)
    except DatabaseAwayError:
        # The claim may have been written and its answer lost: then the job is ours already.
        return services.database.insist(
            lambda session: QueueRepository(session).held_by(worker) or claim(session),
            wait_s=services.wait_s,
        )


def execute(services: Services, claim: Claim, give_up: Callable[[], None] | None = None) -> None:
    """Run a claimed job and settle it; a claim that was lost meanwhile changes nothing."""
    logger.info("job %s: attempt %d, %s", claim.job_id, claim.attempt, claim.tool)
    with Heartbeat(services, claim, give_up) as heartbeat:
        settlement = _attempt(services, claim, heartbeat)
        try:
            heartbeat.settle(settlement)
        except DatabaseAwayError:
            raise
        except Exception as error:  # what was made cannot be recorded, so that is how it ends
            heartbeat.settle(_settlement(services, claim, _as_studio_error(claim, error)))


def _attempt(services: Services, claim: Claim, heartbeat: Heartbeat) -> Settlement:
    """Run the tool and store its files; says how the attempt ends."""
    try:
        return _finish(services, claim, heartbeat)
    except Exception as error:
        return _settlement(services, claim, _as_studio_error(claim, error))


def _as_studio_error(claim: Claim, error: Exception) -> StudioError:
    """What people are told of ``error``; the log keeps what they are not."""
    if isinstance(error, StudioError):
        return error
    if is_disk_full(error):
        return DiskFullError()
    if isinstance(error, MemoryError):
        logger.exception("job %s: out of memory", claim.job_id, exc_info=error)
        return OutOfMemoryError()
    logger.exception("job %s: failed unexpectedly", claim.job_id, exc_info=error)
    return StudioError(
        msg(
            "Something went wrong inside the studio. Run it again; if it fails again, give an "
            "admin the number of this run, under which the studio's log has the cause."
        ),
        code="internal",
    )


def _settlement(services: Services, claim: Claim, error: StudioError) -> Settlement:
    """The transition that the error's verdict asks for."""
    match error.verdict:
        case Verdict.STOP:
            return partial(QueueRepository.stop, claim=claim)
        case Verdict.FAIL:
            regions = [region.to_json() for region in error.regions]
            return partial(
                QueueRepository.fail,
                claim=claim,
                code=error.code,
                message=error.message,
                regions=regions,
            )
        case Verdict.RETRY:
            logger.warning("job %s: %s", claim.job_id, error)
            return partial(
                QueueRepository.retry,
                claim=claim,
                code=error.code,
                message=error.message,
                rest_s=error.delay_s,
                max_attempts=services.settings.max_attempts,
            )
        case Verdict.POSTPONE:
            logger.warning("job %s: %s", claim.job_id, error)
            postponed = claim.attempt - claim.attempts_spent - 1
            rest_s = error.delay_s * 2 ** min(postponed, _MOST_DOUBLINGS)
            return partial(
                QueueRepository.postpone,
                claim=claim,
                code=error.code,
                message=error.message,
                rest_s=min(rest_s, LONGEST_POSTPONEMENT_S),
            )


def _finish(services: Services, claim: Claim, heartbeat: Heartbeat) -> Settlement:
    """Files go to storage before the transaction that names them, never after."""
    from tasks import tool_runner  # imports the runtimes, which must not be forked

    heartbeat.on_stop = partial(tool_runner.interrupt, services.settings)
    with ExitStack() as arriving:
        result = tool_runner.run(
            services,
            claim,
            heartbeat.sink,
            lambda: arriving.enter_context(services.blobs.staging()),
        )
        key_of = _reuse_keys(services, claim, result.record)
        outputs = []
        for output in result.outputs:
            stored = keep_staged(
                services,
                output.file.finish(),
                file_name=output.file_name,
                media_type=output.media_type,
                width_px=output.width_px,
                height_px=output.height_px,
            )
            reuse_key = key_of.get(output.role)
            outputs.append(JobFile(output.role, stored.file_name, stored.sha256, reuse_key))
    record = result.record.model_dump(mode="json")
    return partial(QueueRepository.finish, claim=claim, outputs=outputs, record=record)


def _reuse_keys(services: Services, claim: Claim, record: RunRecord) -> dict[str, str]:
    """The key of each output that later runs may take over, by role."""
    params = load_params(claim.tool, claim.params_version, claim.params)
    digests = digests_by_role((file.role, file.sha256) for file in claim.files)
    made = ReuseKeys(services.settings, params).key_of_made(digests, record)
    return dict([made] if made else [])


def _holder_name() -> str:
    """Who holds a lease: this process, and no other claim of it, as that may have been left."""
    return f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _load_tool_runner(**_: object) -> None:
    """Import the runtimes when a child starts, not when its first job waits for them."""
    from tasks import tool_runner  # noqa: F401 — the import is the purpose
