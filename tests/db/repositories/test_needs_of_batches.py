from __future__ import annotations

from uuid import UUID

from db.models import User
from db.repositories.batches import BatchRepository
from db.repositories.queue import QueueRepository
from db.repositories.submissions import NewJob, SubmissionRepository
from db.session import Database
from db.states import JobState
from tests.db.repositories.waiting import (
    add_user,
    after,
    assert_counters_true,
    cancel,
    claim,
    enqueue,
    finish,
    must_claim,
    new_job,
    run,
    states,
)
from tests.rows import AWAY

# Pausing


def batch_of(database: Database, owner: User, count: int) -> tuple[UUID, list[NewJob]]:
    with database.write() as session:
        batch = SubmissionRepository(session).add_batch(
            owner_id=owner.id, name="b", tool="upscale", params={}
        )
    jobs = [new_job(database, owner, batch=batch) for _ in range(count)]
    enqueue(database, *jobs)
    return batch.id, jobs


def set_paused(database: Database, batch_id: UUID, *, paused: bool) -> int:
    with database.write() as session:
        batches = BatchRepository(session)
        batch = batches.get(batch_id)
        assert batch is not None
        return batches.pause(batch) if paused else batches.resume(batch)


def test_pause_lets_queued_jobs_wait_and_running_ones_finish(database: Database) -> None:
    owner = add_user(database)
    batch_id, jobs = batch_of(database, owner, 3)
    held = must_claim(database, jobs[0])
    assert set_paused(database, batch_id, paused=True) == 2
    assert set_paused(database, batch_id, paused=True) == 0
    assert claim(database) is None
    finish(database, held)
    assert_counters_true(database)
    assert set_paused(database, batch_id, paused=False) == 2
    for job in jobs[1:]:
        run(database, job)
    assert_counters_true(database)


def test_enqueue_into_a_paused_batch_waits_and_leaves_other_jobs_queued(database: Database) -> None:
    owner = add_user(database)
    batch_id, _ = batch_of(database, owner, 1)
    set_paused(database, batch_id, paused=True)
    with database.read() as session:
        batch = BatchRepository(session).get(batch_id)
    late, other = new_job(database, owner, batch=batch), new_job(database, owner)
    enqueue(database, late, other)
    assert states(database, late, other) == [JobState.WAITING, JobState.QUEUED]
    assert_counters_true(database)


def test_cancel_works_while_the_batch_is_paused(database: Database) -> None:
    batch_id, jobs = batch_of(database, add_user(database), 2)
    set_paused(database, batch_id, paused=True)
    assert cancel(database, jobs[0]) is JobState.CANCELLED
    assert set_paused(database, batch_id, paused=False) == 1
    assert_counters_true(database)


def test_release_of_a_lost_job_waits_while_its_batch_is_paused(database: Database) -> None:
    batch_id, jobs = batch_of(database, add_user(database), 1)
    held = must_claim(database, jobs[0])
    set_paused(database, batch_id, paused=True)
    with database.write() as session:
        QueueRepository(session).postpone(held, **AWAY, rest_s=0)
    assert states(database, jobs[0]) == [JobState.WAITING]
    assert_counters_true(database)
    set_paused(database, batch_id, paused=False)
    run(database, jobs[0])


def need_in_batch(database: Database, owner: User | None = None) -> tuple[UUID, NewJob, NewJob]:
    """A batch, a job in it, and one that needs the first."""
    owner = owner or add_user(database)
    batch_id, [first] = batch_of(database, owner, 1)
    with database.read() as session:
        batch = BatchRepository(session).get(batch_id)
    second = after(database, owner, first, batch=batch)
    enqueue(database, second)
    return batch_id, first, second


def test_finish_of_a_need_leaves_jobs_of_a_paused_batch_waiting(database: Database) -> None:
    batch_id, first, second = need_in_batch(database)
    held = must_claim(database, first)
    set_paused(database, batch_id, paused=True)
    finish(database, held)
    assert states(database, second) == [JobState.WAITING]
    assert set_paused(database, batch_id, paused=False) == 1
    run(database, second)


def test_resume_leaves_jobs_with_open_needs_waiting(database: Database) -> None:
    batch_id, first, second = need_in_batch(database)
    set_paused(database, batch_id, paused=True)
    set_paused(database, batch_id, paused=False)
    assert states(database, first, second) == [JobState.QUEUED, JobState.WAITING]


def test_pause_holds_no_job_of_another_batch_or_of_none(database: Database) -> None:
    owner = add_user(database)
    paused_id, _ = batch_of(database, owner, 1)
    set_paused(database, paused_id, paused=True)
    _, first, in_batch = need_in_batch(database, owner)
    alone = after(database, owner, first)
    enqueue(database, alone)
    run(database, first)
    assert states(database, in_batch, alone) == [JobState.QUEUED] * 2
