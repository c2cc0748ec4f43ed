from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from db.models import Job, JobOutput
from db.repositories import queue_upkeep
from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import Beat, QueueRepository
from db.repositories.queue_upkeep import Reconciled
from db.session import Database
from db.states import JobState
from db.types import utc_now
from studio.words import msg
from tests.db.repositories.queueing import (
    LEASE_S,
    add_user,
    beat,
    cancel,
    claim,
    counters,
    enqueue,
    expire,
    finish,
    job_of,
    must_claim,
    reconcile,
)
from tests.rows import AWAY


@pytest.mark.parametrize("taker", ["first", "second"])
@pytest.mark.parametrize("late", ["heartbeat", "finish", "fail", "stop", "retry", "postpone"])
def test_fencing_job_taken_over_ignores_its_first_worker(
    database: Database, late: str, taker: str
) -> None:
    [job_id] = enqueue(database, add_user(database))
    first = must_claim(database, "first")
    expire(database, job_id)
    assert reconcile(database) == Reconciled(requeued=1)
    second = must_claim(database, taker)
    assert second.attempt == 2
    with database.write() as session:
        queue = QueueRepository(session)
        moved = {
            "heartbeat": lambda: queue.heartbeat(first, progress=1, stage="", lease_s=1),
            "finish": lambda: queue.finish(first, [], {}),
            "fail": lambda: queue.fail(first, code="x", message=msg("x")),
            "stop": lambda: queue.stop(first),
            "retry": lambda: queue.retry(
                first, code="x", message=msg("x"), rest_s=0, max_attempts=1
            ),
            "postpone": lambda: queue.postpone(first, **AWAY, rest_s=1),
        }[late]()
    assert moved in (False, None, Beat.LOST)
    assert finish(database, second)
    assert not finish(database, second)
    with database.read() as session:
        outputs = session.scalar(select(func.count()).select_from(JobOutput))
    assert outputs == 1


def test_cancel_queued_job_ends_it_at_once(database: Database) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    assert cancel(database, job_id) is JobState.CANCELLED
    assert job_of(database, job_id).finished_at is not None
    assert cancel(database, job_id) is None
    assert claim(database) is None
    assert counters(database, owner) == (0, 0)


def test_cancel_running_job_reaches_its_worker(database: Database) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    held = must_claim(database)
    assert beat(database, held) is Beat.HELD
    assert cancel(database, job_id) is JobState.RUNNING
    assert beat(database, held) is Beat.CANCEL
    with database.write() as session:
        assert QueueRepository(session).stop(held)
    assert beat(database, held) is Beat.LOST
    assert not finish(database, held)
    assert counters(database, owner) == (0, 0)


def test_cancel_running_job_asks_no_other_worker_before_or_after_its_end(
    database: Database,
) -> None:
    enqueue(database, add_user(database), 2)
    held, other = must_claim(database, "first"), must_claim(database, "second")
    assert cancel(database, held.job_id) is JobState.RUNNING
    assert beat(database, other) is Beat.HELD
    with database.write() as session:
        assert QueueRepository(session).stop(held)
    assert cancel(database, held.job_id) is None
    assert beat(database, other) is Beat.HELD


def test_stop_without_a_request_moves_nothing(database: Database) -> None:
    enqueue(database, add_user(database))
    held = must_claim(database)
    with database.write() as session:
        assert not QueueRepository(session).stop(held)
    assert beat(database, held) is Beat.HELD


def test_reconcile_live_lease_is_left_alone(database: Database) -> None:
    enqueue(database, add_user(database))
    held = must_claim(database)
    assert reconcile(database) == Reconciled()
    assert beat(database, held) is Beat.HELD


def test_reconcile_lost_job_behind_a_batch_of_live_ones_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_upkeep, "BATCH", 1)
    enqueue(database, add_user(database), 2)
    must_claim(database)
    expire(database, must_claim(database).job_id)
    assert reconcile(database) == Reconciled(requeued=1)


def test_reconcile_lease_renewed_before_its_lock_is_left_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job_id] = enqueue(database, add_user(database))
    held = must_claim(database)
    expire(database, job_id)

    def lock_late(self: FairShareRepository, owner_id: UUID) -> None:
        QueueRepository(self._session).heartbeat(held, progress=0.5, stage="run", lease_s=LEASE_S)
        lock(self, owner_id)

    lock = FairShareRepository.lock
    monkeypatch.setattr(FairShareRepository, "lock", lock_late)
    assert reconcile(database) == Reconciled()
    assert job_of(database, job_id).state is JobState.RUNNING


def test_reconcile_lease_given_before_the_clock_was_set_back_is_no_lease(
    database: Database,
) -> None:
    [job_id] = enqueue(database, add_user(database))
    must_claim(database)
    with database.write() as session:
        ahead = utc_now() + timedelta(hours=1)
        session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=ahead))
    assert reconcile(database) == Reconciled(requeued=1)


def test_held_by_names_the_job_that_the_worker_runs(database: Database) -> None:
    enqueue(database, add_user(database))
    held = must_claim(database, "host:1")
    with database.read() as session:
        queue = QueueRepository(session)
        assert queue.held_by("host:1") == held
        assert queue.held_by("host:2") is None
    finish(database, held)
    with database.read() as session:
        assert QueueRepository(session).held_by("host:1") is None


def test_reconcile_worker_lost_too_often_fails_with_the_reason(database: Database) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    for _ in range(3):
        must_claim(database)
        expire(database, job_id)
        done = reconcile(database, max_attempts=3)
    job = job_of(database, job_id)
    assert done == Reconciled(failed=1)
    assert (job.state, job.error_code) == (JobState.FAILED, "worker.lost")
    assert "tried 3 times" in str(job.error_message)
    assert counters(database, owner) == (0, 0)


def test_reconcile_lost_job_with_a_cancel_on_record_is_cancelled(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    must_claim(database)
    cancel(database, job_id)
    expire(database, job_id)
    assert reconcile(database) == Reconciled(cancelled=1)
    assert job_of(database, job_id).state is JobState.CANCELLED
