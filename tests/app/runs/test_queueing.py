from __future__ import annotations

import pytest

from app.runs.queueing import Backlog, backlog, is_in_vain, wait_at, wait_of_next
from db.actor import Actor
from db.repositories.workers import WorkerRepository
from db.states import JobState
from db.types import Lane, utc_now
from tasks.services import Services
from tests.factories import make_job, make_record
from tests.people import make_person

USUAL_S = 10.0


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


def past(services: Services, owner: Actor) -> None:
    record = make_record() | {"seconds": {"run": USUAL_S}}
    with services.database.write() as session:
        make_job(session, owner, state=JobState.SUCCEEDED, record=record)


def worker(services: Services, slots: int) -> None:
    with services.database.write() as session:
        WorkerRepository(session).report(
            "gpu@here:1", [Lane.GPU], slots=slots, started_at=utc_now()
        )


def test_wait_counts_what_runs_and_what_is_before_over_all_slots() -> None:
    assert Backlog(USUAL_S, running=2, slots=2).wait_s(1) == USUAL_S / 2
    assert Backlog(USUAL_S, running=2, slots=2).wait_s(5) == (4 + 1) * USUAL_S / 2
    assert Backlog(USUAL_S, running=1, slots=2).wait_s(1) == 0
    assert Backlog(USUAL_S, running=0, slots=0).wait_s(1) is None


def test_backlog_without_a_finished_run_says_nothing(services: Services, mei: Actor) -> None:
    worker(services, 1)
    with services.database.write() as session:
        make_job(session, mei, state=JobState.QUEUED)
    assert backlog(services, Lane.GPU) is None


def test_wait_counts_runs_of_other_people(services: Services, mei: Actor) -> None:
    past(services, mei)
    worker(services, 1)
    with services.database.write() as session:
        first = make_job(session, mei, state=JobState.QUEUED)
        make_job(session, mei, state=JobState.RUNNING)
    assert wait_at(services, first.id, 1) == USUAL_S / 2
    assert wait_at(services, first.id, 3) == USUAL_S * 2.5
    ann = make_person(services, "ann")
    found = wait_of_next(services, ann, Lane.GPU)
    assert found is not None
    assert found >= USUAL_S / 2
    assert wait_of_next(services, ann, Lane.CPU) is None


def test_run_whose_kind_of_worker_is_down_waits_in_vain_though_others_work(
    services: Services,
) -> None:
    assert is_in_vain(services, {Lane.CPU})
    worker(services, 1)
    assert not is_in_vain(services, {Lane.GPU})
    assert is_in_vain(services, {Lane.CPU})
    assert is_in_vain(services, {Lane.GPU, Lane.CPU})
    assert not is_in_vain(services, set())
