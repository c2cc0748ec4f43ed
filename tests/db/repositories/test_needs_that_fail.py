from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from db.errors import NeedError
from db.models import Job
from db.repositories.queue import QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep
from db.repositories.submissions import NewJob
from db.session import Database
from db.states import JobState
from db.types import utc_now
from studio.words import msg
from tests.db.repositories.waiting import (
    add_user,
    after,
    assert_counters_true,
    cancel,
    enqueue,
    must_claim,
    new_job,
    run,
    served,
    states,
)
from tests.rows import job_of


def fail(database: Database, job: NewJob) -> None:
    held = must_claim(database, job)
    with database.write() as session:
        assert QueueRepository(session).fail(held, code="x", message=msg("X."))


def test_finish_without_the_needed_file_cancels_what_waits_for_it(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first)
    third = after(database, owner, second)
    enqueue(database, first, second, third)
    run(database, first, ["preview"])
    assert states(database, second, third) == [JobState.CANCELLED] * 2
    assert job_of(database, third.id).error_code == "need.no_output"
    assert_counters_true(database)


def test_fail_cancels_all_that_waits_and_names_the_step(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first)
    third = after(database, owner, second)
    other = after(database, owner, first)
    enqueue(database, first, second, third, other)
    fail(database, first)
    assert states(database, first, second, third, other) == [
        JobState.FAILED,
        *[JobState.CANCELLED] * 3,
    ]
    job = job_of(database, third.id)
    assert (job.error_code, job.finished_at is not None) == ("need.failed", True)
    assert str(job.error_message) == "“cat.png” (upscale) failed, and this run needs it."
    assert_counters_true(database)


def test_cancel_of_a_need_cancels_what_waits_for_it(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first)
    enqueue(database, first, second)
    assert cancel(database, first) is JobState.CANCELLED
    job = job_of(database, second.id)
    assert (job.state, job.error_code) == (JobState.CANCELLED, "need.cancelled")
    assert_counters_true(database)


def test_cancel_of_a_waiting_job_leaves_what_it_needs(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first)
    enqueue(database, first, second)
    assert cancel(database, second) is JobState.CANCELLED
    assert states(database, first, second) == [JobState.QUEUED, JobState.CANCELLED]
    run(database, first)
    assert states(database, second) == [JobState.CANCELLED]
    assert job_of(database, second.id).inputs == []


def test_cancel_of_a_run_cancels_its_steps(database: Database) -> None:
    steps, final = served(database, add_user(database), 3)
    held = must_claim(database, steps[0])
    assert cancel(database, final) is JobState.CANCELLED
    assert states(database, *steps, final) == [
        JobState.RUNNING,
        *[JobState.CANCELLED] * 3,
    ]
    with database.write() as session:
        assert QueueRepository(session).stop(held)
    assert states(database, steps[0]) == [JobState.CANCELLED]
    ended = job_of(database, steps[1].id)
    assert ended.error_code == "step.not_needed"
    assert str(ended.error_message) == "The run that this was a step of has ended."
    assert_counters_true(database)


def test_cancel_of_a_run_cancels_a_step_that_waits_for_one_that_runs(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first)
    final = after(database, owner, second)
    first, second = (replace(step, serves_id=final.id) for step in (first, second))
    enqueue(database, first, second, final)
    must_claim(database, first)
    cancel(database, final)
    assert states(database, first, second) == [JobState.RUNNING, JobState.CANCELLED]
    assert_counters_true(database)


def test_fail_of_one_step_stops_the_others(database: Database) -> None:
    steps, final = served(database, add_user(database), 3)
    fail(database, steps[0])
    assert states(database, *steps, final) == [JobState.FAILED, *[JobState.CANCELLED] * 3]
    assert_counters_true(database)


def refusal(database: Database, *new_jobs: NewJob) -> str:
    with pytest.raises(NeedError) as caught:
        enqueue(database, *new_jobs)
    return caught.value.code


def test_enqueue_circle_of_needs_is_refused(database: Database) -> None:
    owner = add_user(database)
    one = after(database, owner, new_job(database, owner))
    two = after(database, owner, one)
    one = replace(one, needs=after(database, owner, two).needs)
    assert refusal(database, one, two) == "need.cycle"
    assert refusal(database, replace(one, needs=after(database, owner, one).needs)) == "need.cycle"


def test_enqueue_on_what_will_never_give_a_file_is_refused(database: Database) -> None:
    owner, other = add_user(database), add_user(database)
    gone, failed, cancelled = (new_job(database, owner) for _ in range(3))
    theirs = new_job(database, other)
    enqueue(database, failed, cancelled)
    fail(database, failed)
    cancel(database, cancelled)
    enqueue(database, theirs)
    assert refusal(database, after(database, owner, gone)) == "need.gone"
    assert refusal(database, after(database, owner, theirs)) == "need.foreign"
    assert refusal(database, after(database, owner, failed)) == "need.ended"
    assert refusal(database, after(database, owner, cancelled)) == "need.ended"
    run(database, theirs, ["preview"])
    assert refusal(database, after(database, owner, theirs)) == "need.no_output"
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 3


def test_enqueue_on_a_run_that_failed_names_it(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    enqueue(database, first)
    fail(database, first)
    with pytest.raises(NeedError) as caught:
        enqueue(database, after(database, owner, first))
    reason = "“cat.png” (upscale) failed and will make nothing to go on with"
    assert str(caught.value.reason) == reason


def test_reconcile_spent_attempts_cancels_what_waits(database: Database) -> None:
    owner = add_user(database)
    first = new_job(database, owner)
    second = after(database, owner, first)
    enqueue(database, first, second)
    must_claim(database, first)
    with database.write() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).where(Job.id == first.id).values(lease_expires_at=past))
        QueueUpkeep(session).reconcile(max_attempts=1, silent_at=utc_now(), lease_s=60)
    assert states(database, first, second) == [JobState.FAILED, JobState.CANCELLED]
    assert_counters_true(database)
