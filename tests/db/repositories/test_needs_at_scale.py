from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import event, func, select

from db.models import JobInput
from db.repositories.queue import Claim
from db.repositories.submissions import NewJob
from db.session import Database
from db.states import JobState
from db.types import Lane, new_id
from tests.db.repositories.waiting import (
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
