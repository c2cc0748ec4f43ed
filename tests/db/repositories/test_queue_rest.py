from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import QueueRepository
from db.session import Database
from db.states import JobState
from db.types import Lane
from studio.words import msg
from tests.db.repositories.queueing import (
    add_user,
    cancel,
    claim,
    counters,
    enqueue,
    finish,
    job_of,
    must_claim,
    postpone,
    retry,
    set_not_before,
    wake_rested,
)
from tests.rows import AWAY


def test_retry_gives_back_until_attempts_are_spent(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    states = [retry(database, must_claim(database)) for _ in range(2)]
    assert states == [JobState.QUEUED, JobState.FAILED]
    job = job_of(database, job_id)
    assert (job.error_code, job.error_message, job.attempts_spent) == ("memory", msg("Full."), 2)


def test_postpone_spends_no_attempt_however_often(database: Database) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    for _ in range(5):
        assert postpone(database, must_claim(database), rest_s=0) is JobState.QUEUED
    held = must_claim(database)
    assert (held.attempt, held.attempts_spent) == (6, 0)
    assert finish(database, held)
    assert job_of(database, job_id).attempts_spent == 0


@pytest.mark.parametrize("give_back", [retry, postpone])
def test_claim_resting_job_lets_the_others_go_first(
    database: Database, give_back: Callable[..., JobState | None]
) -> None:
    owner = add_user(database)
    first, second = enqueue(database, owner, 2)
    assert give_back(database, must_claim(database), rest_s=60) is JobState.QUEUED
    assert counters(database, owner) == (1, 0)
    assert must_claim(database).job_id == second
    assert claim(database) is None
    assert wake_rested(database) == 0
    set_not_before(database, first, timedelta(seconds=-1))
    assert claim(database) is None  # nothing is due until somebody has counted it
    assert (wake_rested(database), wake_rested(database)) == (1, 0)
    assert counters(database, owner) == (1, 1)
    assert must_claim(database).job_id == first


def test_wake_rested_job_whose_clock_was_set_back_does_not_rest_for_ever(
    database: Database,
) -> None:
    [job_id] = enqueue(database, add_user(database))
    postpone(database, must_claim(database))
    set_not_before(database, job_id, timedelta(hours=1))
    assert wake_rested(database) == 1
    assert must_claim(database).job_id == job_id


def test_wake_rested_jobs_of_several_people_are_counted_for_each(database: Database) -> None:
    owners = [add_user(database) for _ in range(3)]
    for count, owner in enumerate(owners, start=1):
        enqueue(database, owner, count)
    for _ in range(6):
        held = must_claim(database)
        postpone(database, held)
        set_not_before(database, held.job_id, timedelta(seconds=-1))
    assert wake_rested(database) == 6
    assert [counters(database, owner) for owner in owners] == [(1, 0), (2, 0), (3, 0)]


def test_cancel_resting_job_ends_it_and_leaves_the_counters_right(database: Database) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    postpone(database, must_claim(database))
    assert cancel(database, job_id) is JobState.CANCELLED
    assert counters(database, owner) == (0, 0)
    set_not_before(database, job_id, timedelta(seconds=-1))
    assert wake_rested(database) == 0
    assert counters(database, owner) == (0, 0)


def test_wake_rested_job_cancelled_before_its_lock_stays_cancelled_and_uncounted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = add_user(database)
    [job_id] = enqueue(database, owner)
    postpone(database, must_claim(database))
    set_not_before(database, job_id, timedelta(seconds=-1))

    def lock_late(self: FairShareRepository, owner_id: UUID) -> None:
        monkeypatch.undo()
        QueueRepository(self._session).cancel(job_id)
        self.lock(owner_id)

    monkeypatch.setattr(FairShareRepository, "lock", lock_late)
    wake_rested(database)
    assert job_of(database, job_id).state is JobState.CANCELLED
    assert counters(database, owner) == (0, 0)


def test_postpone_row_says_why_it_rests_until_it_is_woken(database: Database) -> None:
    [job_id] = enqueue(database, add_user(database))
    postpone(database, must_claim(database))
    job = job_of(database, job_id)
    assert (job.error_code, job.error_message) == (AWAY["code"], AWAY["message"])
    set_not_before(database, job_id, timedelta(seconds=-1))
    assert wake_rested(database) == 1
    assert job_of(database, job_id).error_code is None


@pytest.mark.parametrize("rest_s", [0.0, 60.0])
def test_cancel_postponed_job_ends_without_an_error(database: Database, rest_s: float) -> None:
    [job_id] = enqueue(database, add_user(database))
    postpone(database, must_claim(database), rest_s=rest_s)
    assert cancel(database, job_id) is JobState.CANCELLED
    assert job_of(database, job_id).error_code is None


def test_claim_many_resting_jobs_are_neither_read_nor_counted(database: Database) -> None:
    owner, other = add_user(database), add_user(database)
    enqueue(database, owner, 50)
    for _ in range(50):
        postpone(database, must_claim(database))
    [job_id] = enqueue(database, other)
    with database.read() as session:
        assert FairShareRepository(session).queued_counts()[Lane.GPU] == 1
        assert QueueRepository(session).position(job_id) == 1
    with database.write() as session:
        FairShareRepository(session).rebuild()
    assert counters(database, owner) == (0, 0)
    assert must_claim(database).job_id == job_id
    assert claim(database) is None
