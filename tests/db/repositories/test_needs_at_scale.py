from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import event, func, select

from db.models import JobInput
from db.repositories.keeping import KeepingRepository
from db.repositories.queue import Beat, Claim, QueueRepository
from db.repositories.submissions import NewJob
from db.session import Database
from db.states import JobState
from db.types import Lane, new_id, utc_now
from tests.db.repositories.waiting import (
    LEASE_S,
    add_user,
    after,
    assert_counters_true,
    cancel,
    enqueue,
    finish,
    must_claim,
    new_job,
    run,
    states,
)
from tests.factories import actor_of


@pytest.mark.slow
@pytest.mark.postgres
def test_finish_of_two_last_needs_at_the_same_instant_queues_the_job(
    postgres_database: Database,
) -> None:
    database, owner = postgres_database, add_user(postgres_database)
    for _ in range(20):
        needs = [new_job(database, owner), new_job(database, owner, lane=Lane.GPU)]
        joined = after(database, owner, *needs, lane=Lane.GPU)
        enqueue(database, *needs, joined)
        held = [must_claim(database, job) for job in needs]
        barrier = Barrier(2)

        def end(claimed: Claim, barrier: Barrier = barrier) -> None:
            barrier.wait()
            finish(database, claimed)

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(end, held))
        assert states(database, joined) == [JobState.QUEUED]
        run(database, joined)
    assert_counters_true(database)


@pytest.mark.slow
@pytest.mark.postgres
def test_enqueue_while_its_need_finishes_never_waits_for_ever(postgres_database: Database) -> None:
    database, owner = postgres_database, add_user(postgres_database)
    for _ in range(20):
        first = new_job(database, owner)
        enqueue(database, first)
        held = must_claim(database, first)
        second = after(database, owner, first, lane=Lane.GPU)
        barrier = Barrier(2)

        def submit(new: NewJob = second, barrier: Barrier = barrier) -> None:
            barrier.wait()
            enqueue(database, new)

        def end(claimed: Claim = held, barrier: Barrier = barrier) -> None:
            barrier.wait()
            finish(database, claimed)

        with ThreadPoolExecutor(2) as threads:
            for ended in [threads.submit(submit), threads.submit(end)]:
                ended.result()
        run(database, second)
    assert_counters_true(database)


def purge(database: Database) -> int:
    with database.write() as session:
        later = utc_now() + timedelta(days=1)
        return KeepingRepository(session).purge_trash(later, most_runs=10)


@pytest.mark.postgres
def test_enqueue_keeps_what_it_takes_a_file_of_from_being_purged_until_it_is_on_record(
    postgres_database: Database,
) -> None:
    database, owner = postgres_database, add_user(postgres_database)
    first = new_job(database, owner)
    enqueue(database, first)
    run(database, first)
    second = after(database, owner, first)
    with database.write() as session:
        assert KeepingRepository(session).trash(actor_of(owner), first.id)
    with database.write() as session:
        QueueRepository(session).enqueue([second])
        assert purge(database) == 0
    assert purge(database) == 1


@pytest.mark.postgres
def test_enqueue_does_not_hold_up_the_worker_of_what_it_needs(postgres_database: Database) -> None:
    database, owner = postgres_database, add_user(postgres_database)
    first = new_job(database, owner)
    enqueue(database, first)
    held = must_claim(database, first)
    second = after(database, owner, first)

    def beat() -> Beat:
        with database.write() as session:
            queue = QueueRepository(session)
            return queue.heartbeat(held, progress=0.5, stage="run", lease_s=LEASE_S)

    with ThreadPoolExecutor(1) as threads, database.write() as session:
        QueueRepository(session).enqueue([second])
        assert threads.submit(beat).result(timeout=20) is Beat.HELD


def statements_of(database: Database, held: Claim) -> int:
    """How many statements finishing takes."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    finish(database, held)
    event.remove(database.engine, "before_cursor_execute", note)
    return len(sent)


@pytest.mark.slow
def test_finish_with_ten_thousand_needs_takes_no_more_statements(database: Database) -> None:
    owner = add_user(database)
    part = new_job(database, owner)
    parts = [replace(part, id=new_id()) for _ in range(10_000)]
    joined = after(database, owner, *parts)
    enqueue(database, *parts, joined)
    first = statements_of(database, must_claim(database, parts[0]))
    waits_too = after(database, owner, parts[1])
    fan = [replace(waits_too, id=new_id()) for _ in range(2_000)]
    enqueue(database, *fan)
    assert statements_of(database, must_claim(database, parts[1])) <= first + 1
    assert states(database, joined, fan[0], fan[-1]) == [
        JobState.WAITING,
        JobState.QUEUED,
        JobState.QUEUED,
    ]
    cancel(database, parts[5])
    assert states(database, joined) == [JobState.CANCELLED]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(JobInput)) == 10_000 + 2_000 + 2
    assert_counters_true(database)
