from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from db.models import FairShare, Job, JobOutput
from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import Claim, Counted, JobFile, Kind, QueueRepository
from db.repositories.queue_upkeep import Reconciled
from db.repositories.submissions import NewInput
from db.session import Database
from db.states import JobState
from db.types import Lane, new_id, utc_now
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
    fail,
    finish,
    job_of,
    must_claim,
    postpone,
    reconcile,
    retry,
    set_not_before,
    stop,
    wake_rested,
)
from tests.factories import make_blob, make_new_job, make_record

LOCK_IN_ORDER = "ORDER BY fair_shares.lane FOR UPDATE"


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


def test_claim_has_the_files_in_order_of_position_then_role(database: Database) -> None:
    owner = add_user(database)
    with database.write() as session:
        sha256 = make_blob(session).sha256
        files = [("target", 0), ("source", 1), ("source", 0)]
        inputs = [
            NewInput(role=role, blob_sha256=sha256, file_name=f"{role}{at}.png", position=at)
            for role, at in files
        ]
        new = make_new_job(owner.id, sha256, main_role="target", lane=Lane.GPU, inputs=inputs)
        QueueRepository(session).enqueue([new])
    names = [file.file_name for file in must_claim(database).files]
    assert names == ["source0.png", "target0.png", "source1.png"]


def test_claim_of_a_job_given_back_starts_anew_and_its_end_leaves_nothing_held(
    database: Database,
) -> None:
    def progress_of(job: Job) -> tuple[float, str, bool, bool]:
        return job.progress, job.stage, job.started_at is not None, job.finished_at is not None

    [job_id] = enqueue(database, add_user(database))
    held = must_claim(database)
    assert progress_of(job_of(database, job_id)) == (0.0, "", True, False)
    beat(database, held)
    assert progress_of(job_of(database, job_id)) == (0.5, "run", True, False)
    postpone(database, held, rest_s=0)
    given_back = job_of(database, job_id)
    assert progress_of(given_back) == (0.0, "", False, False)
    held = must_claim(database)
    beat(database, held)
    finish(database, held)
    done = job_of(database, job_id)
    assert progress_of(done) == (1.0, "", True, True)
    for job in (given_back, done):
        assert (job.worker, job.lease_expires_at) == (None, None)


def test_finish_without_files_succeeds_and_has_none(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    held = must_claim(database)
    with database.write() as session:
        assert QueueRepository(session).finish(held, [], make_record())
        assert session.scalars(select(JobOutput)).all() == []
    job = job_of(database, job_id)
    assert (job.state, job.record) == (JobState.SUCCEEDED, make_record())


def test_finish_keeps_of_each_file_its_name_its_place_and_its_key(database: Database) -> None:
    enqueue(database, add_user(database))
    held = must_claim(database)
    with database.write() as session:
        sha256 = make_blob(session).sha256
        files = [
            JobFile("image", "a.png", sha256, "key"),
            JobFile("alpha", "b.png", sha256),
            JobFile("image", "c.png", sha256),
        ]
        assert QueueRepository(session).finish(held, files, make_record())
        kept = session.scalars(select(JobOutput)).all()
    assert {(one.role, one.position, one.file_name, one.reuse_key) for one in kept} == {
        ("image", 0, "a.png", "key"),
        ("alpha", 0, "b.png", None),
        ("image", 1, "c.png", None),
    }


def test_fail_keeps_the_reason_and_the_parts_it_speaks_of(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    parts = [{"left": 1, "top": 2}]
    with database.write() as session:
        held = QueueRepository(session).claim(Lane.GPU, "w", lease_s=LEASE_S)
        assert held is not None
        queue = QueueRepository(session)
        assert queue.fail(held, code="x", message=msg("X."), regions=parts)
    job = job_of(database, job_id)
    assert (job.state, job.error_code, job.error_message) == (JobState.FAILED, "x", msg("X."))
    assert (job.error_regions, job.finished_at is not None) == (parts, True)


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


def take_back(database: Database, held: Claim) -> Reconciled:
    expire(database, held.job_id)
    return reconcile(database)


def wake_again(database: Database, held: Claim) -> int:
    postpone(database, held)
    set_not_before(database, held.job_id, timedelta(seconds=-1))
    return wake_rested(database)


@contextmanager
def last_unit_of_work(database: Database) -> Iterator[list[str]]:
    """What the last transaction has asked of the database."""
    asked: list[str] = []

    def begin(_connection: object) -> None:
        asked.clear()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(" ".join(statement.split()))

    event.listen(database.engine, "begin", begin)
    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "begin", begin)
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.postgres
@pytest.mark.parametrize("move", [finish, fail, stop, postpone, retry, take_back, wake_again])
def test_moves_of_a_job_lock_all_shares_of_its_owner_first_and_in_order(
    postgres_database: Database, move: Callable[[Database, Claim], object]
) -> None:
    """In another order, or not at all, and some day two of them wait for each other for ever."""
    enqueue(postgres_database, add_user(postgres_database))
    held = must_claim(postgres_database)
    if move is stop:
        cancel(postgres_database, held.job_id)
    with last_unit_of_work(postgres_database) as asked:
        assert move(postgres_database, held)
    locks = [number for number, one in enumerate(asked) if one.endswith(LOCK_IN_ORDER)]
    moves = [number for number, one in enumerate(asked) if one.startswith("UPDATE jobs ")]
    assert min(locks) < min(moves)


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


def test_position_counts_the_lane_of_the_job_alone(database: Database) -> None:
    owner, other = add_user(database), add_user(database)
    for person in (owner, other):
        enqueue(database, person, 3, lane=Lane.CPU)
    [job_id] = enqueue(database, owner)
    with database.read() as session:
        assert QueueRepository(session).position(job_id) == 1


def test_position_job_that_does_not_wait_has_none(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    must_claim(database)
    with database.read() as session:
        assert QueueRepository(session).position(job_id) is None


def test_place_of_next_counts_the_own_runs_and_the_turns_of_others_in_the_lane(
    database: Database,
) -> None:
    owner, other = add_user(database), add_user(database)
    enqueue(database, owner, 2)
    enqueue(database, other, 5)
    enqueue(database, owner, 4, lane=Lane.CPU)
    with database.read() as session:
        # The person's own two, and two or three of the other's, who takes turns with them.
        place = QueueRepository(session).place_of_next(owner.id, Lane.GPU)
    [job_id] = enqueue(database, owner)
    with database.read() as session:
        assert place == QueueRepository(session).position(job_id)
    assert place in (5, 6)


def test_place_of_next_counts_neither_what_runs_nor_what_rests(database: Database) -> None:
    owner = add_user(database)
    enqueue(database, owner, 3)
    postpone(database, must_claim(database))
    must_claim(database)
    with database.read() as session:
        assert QueueRepository(session).place_of_next(owner.id, Lane.GPU) == 2


def test_kinds_count_what_runs_and_what_is_to_start_in_the_lane(database: Database) -> None:
    owner = add_user(database)
    enqueue(database, owner, 4)
    enqueue(database, owner, 2, lane=Lane.CPU)
    held = must_claim(database)
    model = job_of(database, held.job_id).model
    with database.read() as session:
        queue = QueueRepository(session)
        assert queue.kinds(Lane.GPU) == {Kind("upscale", model): Counted(queued=3, running=1)}
        assert queue.kinds(Lane.GPU, at_most=2) == {Kind("upscale", model): Counted(2, 1)}


def test_lane_of_is_that_of_the_job_and_of_one_that_is_gone_none(database: Database) -> None:
    owner = add_user(database)
    [first], [second] = (enqueue(database, owner, lane=lane) for lane in (Lane.CPU, Lane.GPU))
    with database.read() as session:
        queue = QueueRepository(session)
        lanes = [queue.lane_of(job_id) for job_id in (first, second, new_id())]
    assert lanes == [Lane.CPU, Lane.GPU, None]


def test_queued_counts_name_every_lane(database: Database) -> None:
    enqueue(database, add_user(database), 2)
    enqueue(database, add_user(database), 3)
    with database.read() as session:
        counts = FairShareRepository(session).queued_counts()
    assert counts == {Lane.GPU: 5, Lane.CPU: 0, Lane.MAINTENANCE: 0}
