from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from db.models import FairShare, Job, JobOutput, User
from db.repositories.fair_shares import FairShareRepository
from db.repositories.jobs import NewInput, NewJob
from db.repositories.queue import Beat, Claim, JobFile, QueueRepository, Reconciled
from db.session import Database
from db.states import JobState
from db.types import Lane, utc_now
from tests.factories import make_blob, make_record, make_user

LEASE_S = 30.0


def enqueue(
    database: Database, owner: User, count: int = 1, *, lane: Lane = Lane.GPU, priority: int = 0
) -> list[UUID]:
    with database.write() as session:
        blob = make_blob(session)
        new = NewJob(
            owner_id=owner.id,
            tool="upscale",
            method="interpolation",
            params={"model": "interpolation"},
            params_version=1,
            lane=lane,
            inputs=[NewInput(role="image", blob_sha256=blob.sha256, file_name="cat.png")],
            priority=priority,
        )
        return QueueRepository(session).enqueue([new] * count)


def add_user(database: Database) -> User:
    with database.write() as session:
        return make_user(session)


def claim(database: Database, lane: Lane = Lane.GPU, worker: str = "w") -> Claim | None:
    with database.write() as session:
        return QueueRepository(session).claim(lane, worker, lease_s=LEASE_S)


def must_claim(database: Database, worker: str = "w") -> Claim:
    claimed = claim(database, worker=worker)
    assert claimed is not None
    return claimed


def finish(database: Database, held: Claim) -> bool:
    with database.write() as session:
        outputs = [JobFile("image", "cat-upscaled.png", make_blob(session).sha256)]
        return QueueRepository(session).finish(held, outputs, make_record())


def beat(database: Database, held: Claim) -> Beat:
    with database.write() as session:
        return QueueRepository(session).heartbeat(held, progress=0.5, stage="run", lease_s=LEASE_S)


def cancel(database: Database, job_id: UUID) -> JobState | None:
    with database.write() as session:
        return QueueRepository(session).cancel(job_id)


def reconcile(database: Database, max_attempts: int = 3) -> Reconciled:
    with database.write() as session:
        return QueueRepository(session).reconcile(max_attempts=max_attempts)


def expire(database: Database, job_id: UUID) -> None:
    with database.write() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=past))


def job_of(database: Database, job_id: UUID) -> Job:
    with database.read() as session:
        return session.get_one(Job, job_id)


def counters(database: Database, owner: User, lane: Lane = Lane.GPU) -> tuple[int, int]:
    with database.read() as session:
        share = session.get_one(FairShare, (owner.id, lane))
        return share.queued, share.running


def test_claim_queued_job_holds_it_with_its_files(database: Database) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    held = must_claim(database, "host:1")
    job = job_of(database, job_id)
    assert (held.job_id, held.attempt, held.tool) == (job_id, 1, "upscale")
    assert [file.file_name for file in held.files] == ["cat.png"]
    assert (job.state, job.worker, job.attempt) == (JobState.RUNNING, "host:1", 1)
    assert job.lease_expires_at is not None
    assert timedelta(0) < job.lease_expires_at - utc_now() <= timedelta(seconds=LEASE_S)
    assert counters(database, owner) == (0, 1)


def test_claim_other_lane_finds_nothing(database: Database) -> None:
    enqueue(database, add_user(database), lane=Lane.CPU)
    assert claim(database, Lane.GPU) is None


def test_claim_within_a_user_takes_priority_then_age(database: Database) -> None:
    owner = add_user(database)
    first, second = enqueue(database, owner, 2)
    [urgent] = enqueue(database, owner, priority=5)
    assert [must_claim(database).job_id for _ in range(3)] == [urgent, first, second]


def test_claim_ten_users_with_unequal_backlog_get_equal_turns(database: Database) -> None:
    owners = [add_user(database) for _ in range(10)]
    for index, owner in enumerate(owners):
        enqueue(database, owner, 3 + 4 * index)
    served: Counter[UUID] = Counter()
    for turn in range(60):
        held = must_claim(database)
        assert finish(database, held)
        served[held.owner_id] += 1
        if turn < 30:  # until the shortest backlog is worked off nobody is ahead by two
            assert max(served.values()) - min(served[owner.id] for owner in owners) <= 1
    assert served[owners[0].id] == 3
    assert served[owners[1].id] == 7
    rest = [served[owner.id] for owner in owners[2:]]
    assert max(rest) - min(rest) <= 1


def test_claim_user_with_a_running_job_waits_for_one_without(database: Database) -> None:
    busy, idle = add_user(database), add_user(database)
    enqueue(database, busy, 2)
    assert must_claim(database).owner_id == busy.id
    enqueue(database, idle)
    assert must_claim(database).owner_id == idle.id


def test_claim_counter_that_promises_too_much_is_put_right(database: Database) -> None:
    ghost, owner = add_user(database), add_user(database)
    enqueue(database, owner)
    with database.write() as session:
        FairShareRepository(session).add_queued(ghost.id, Lane.GPU, 7)
    assert must_claim(database).owner_id == owner.id
    assert claim(database) is None
    assert counters(database, ghost) == (0, 0)


@pytest.mark.parametrize("late", ["heartbeat", "finish", "fail", "stop", "release"])
def test_fencing_job_taken_over_ignores_its_first_worker(database: Database, late: str) -> None:
    [job_id] = enqueue(database, add_user(database))
    first = must_claim(database, "first")
    expire(database, job_id)
    assert reconcile(database) == Reconciled(requeued=1)
    second = must_claim(database, "second")
    assert second.attempt == 2
    with database.write() as session:
        queue = QueueRepository(session)
        moved = {
            "heartbeat": lambda: queue.heartbeat(first, progress=1, stage="", lease_s=1),
            "finish": lambda: queue.finish(first, [], {}),
            "fail": lambda: queue.fail(first, code="x", message="x"),
            "stop": lambda: queue.stop(first),
            "release": lambda: queue.release(first, code="x", message="x", max_attempts=1),
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
    assert "lost 3 times" in (job.error_message or "")
    assert counters(database, owner) == (0, 0)


def test_reconcile_lost_job_with_a_cancel_on_record_is_cancelled(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    must_claim(database)
    cancel(database, job_id)
    expire(database, job_id)
    assert reconcile(database) == Reconciled(cancelled=1)
    assert job_of(database, job_id).state is JobState.CANCELLED


def test_release_gives_back_until_attempts_are_spent(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    states = []
    for _ in range(2):
        held = must_claim(database)
        with database.write() as session:
            release = QueueRepository(session).release
            states.append(release(held, code="storage", message="Gone.", max_attempts=2))
    assert states == [JobState.QUEUED, JobState.FAILED]
    assert job_of(database, job_id).error_message == "Gone."


def test_rebuild_wrong_and_missing_counters_are_derived_anew(database: Database) -> None:
    owner = add_user(database)
    enqueue(database, owner, 3)
    must_claim(database)
    with database.write() as session:
        session.execute(update(FairShare).values(queued=40, running=-2))
        FairShareRepository(session).rebuild()
    assert counters(database, owner) == (2, 1)
    with database.write() as session:
        session.delete(session.get_one(FairShare, (owner.id, Lane.GPU)))
        session.flush()
        FairShareRepository(session).rebuild()
    assert counters(database, owner) == (2, 1)


def test_position_one_worker_foretells_the_order_of_claims(database: Database) -> None:
    owners = [add_user(database) for _ in range(4)]
    for index, owner in enumerate(owners):
        enqueue(database, owner, 1 + 2 * index)
        enqueue(database, owner, priority=index % 2)
    finish(database, must_claim(database))
    held = must_claim(database)
    finish(database, held)
    with database.read() as session:
        waiting = session.scalars(select(Job.id).where(Job.state == JobState.QUEUED)).all()
        foretold = {job_id: QueueRepository(session).position(job_id) for job_id in waiting}
    order = []
    while held := claim(database):
        order.append(held.job_id)
        finish(database, held)
    assert [foretold[job_id] for job_id in order] == list(range(1, len(order) + 1))


def test_position_job_that_does_not_wait_has_none(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    must_claim(database)
    with database.read() as session:
        assert QueueRepository(session).position(job_id) is None


def test_queued_counts_name_every_lane(database: Database) -> None:
    enqueue(database, add_user(database), 2)
    enqueue(database, add_user(database), 3)
    with database.read() as session:
        counts = FairShareRepository(session).queued_counts()
    assert counts == {Lane.GPU: 5, Lane.CPU: 0, Lane.MAINTENANCE: 0}
