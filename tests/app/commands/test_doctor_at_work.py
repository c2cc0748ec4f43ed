"""What the doctor says of a studio whose parts are at work, or should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.commands import diagnosis
from db.models import FairShare, Worker
from db.repositories.workers import WorkerRepository
from db.types import Lane, utc_now
from tasks.services import Services
from tasks.status import beat_name, keeper_name
from tests.app.commands.outcome import Studio
from tests.requests import submit_jobs

GPU, LIGHT = ("gpu@here:1", [Lane.GPU], 1), ("light@here:2", [Lane.CPU, Lane.MAINTENANCE], 3)


def report(services: Services, *workers: tuple[str, list[Lane], int]) -> None:
    with services.database.write() as session:
        for name, lanes, slots in workers:
            WorkerRepository(session).report(name, lanes, slots, started_at=utc_now())


def report_beat(services: Services, *names: str) -> None:
    report(services, *((name, [], 0) for name in names))


def queue(services: Services, lane: Lane, jobs: int) -> None:
    """As many jobs that wait; which lane theirs is, only the counters are told."""
    submit_jobs(services, jobs)
    with services.database.write() as session:
        session.execute(update(FairShare).values(lane=lane))


def finding(studio: Studio, part: str) -> dict[str, str]:
    return next(found for found in studio("doctor", "--json").json if found["part"] == part)


def test_doctor_says_how_many_jobs_of_which_kind_run_at_once(
    studio: Studio, services: Services
) -> None:
    report(services, GPU, LIGHT)

    workers = finding(studio, "workers")

    assert workers["detail"] == "room for 1 job with a network and 3 without; 0 waiting"


def test_doctor_counts_a_worker_of_both_kinds_once(studio: Studio, services: Services) -> None:
    report(services, GPU, ("both@here:3", [Lane.GPU, Lane.CPU], 4))

    workers = finding(studio, "workers")

    assert workers["detail"] == (
        "room for 1 job with a network, 0 without and 4 of either kind; 0 waiting"
    )


@pytest.mark.parametrize(
    ("lane", "worker", "words"),
    [
        (Lane.GPU, LIGHT, "5 jobs with a network wait, and no worker runs such jobs"),
        (Lane.CPU, GPU, "5 jobs without a network wait, and no worker runs such jobs"),
    ],
)
def test_doctor_jobs_whose_kind_of_worker_is_down_are_a_fault_though_others_work(
    studio: Studio,
    services: Services,
    lane: Lane,
    worker: tuple[str, list[Lane], int],
    words: str,
) -> None:
    queue(services, lane, 5)
    report(services, worker)

    workers = finding(studio, "workers")

    assert (workers["state"], workers["detail"]) == ("fault", words)
    assert workers["remedy"]


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ({Lane.GPU: 1}, "1 job with a network waits, and no worker runs such jobs"),
        ({Lane.CPU: 1}, "1 job without a network waits, and no worker runs such jobs"),
        ({Lane.MAINTENANCE: 1}, "1 job waits, and no worker runs such jobs"),
        ({Lane.GPU: 2, Lane.CPU: 1}, "3 jobs wait, and no worker runs such jobs"),
    ],
)
def test_doctor_jobs_that_no_worker_runs_are_counted_by_their_kind(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, jobs: dict[Lane, int], words: str
) -> None:
    monkeypatch.setattr(diagnosis, "queued_counts", lambda _services: jobs)
    assert finding(studio, "workers")["detail"] == words


def test_doctor_jobs_that_their_workers_will_come_to_are_no_fault(
    studio: Studio, services: Services
) -> None:
    queue(services, Lane.GPU, 5)
    report(services, GPU)

    workers = finding(studio, "workers")

    assert (workers["state"], workers["detail"]) == (
        "ok",
        "room for 1 job with a network and 0 without; 5 waiting",
    )


def test_doctor_beat_that_works_in_both_its_ways_is_well(
    studio: Studio, services: Services
) -> None:
    report(services, LIGHT)
    report_beat(services, beat_name(), keeper_name())

    assert finding(studio, "beat")["state"] == "ok"


@pytest.mark.parametrize("lacking", [beat_name(), keeper_name()])
@pytest.mark.parametrize("is_stale", [False, True])
def test_doctor_beat_that_has_stopped_is_a_fault_where_somebody_works(
    studio: Studio, services: Services, lacking: str, is_stale: bool
) -> None:
    report(services, LIGHT)
    report_beat(services, *({beat_name(), keeper_name()} - ({lacking} if not is_stale else set())))
    with services.database.write() as session:
        session.execute(
            update(Worker)
            .where(Worker.name == lacking)
            .values(seen_at=utc_now() - timedelta(minutes=5))
        )

    outcome = studio("doctor", "--json")
    beat = next(found for found in outcome.json if found["part"] == "beat")

    assert outcome.code == 1
    assert beat["state"] == "fault"
    assert "studio serve beat" in beat["remedy"]


def test_doctor_jobs_that_wait_without_beat_are_a_fault(studio: Studio, services: Services) -> None:
    queue(services, Lane.CPU, 1)

    assert finding(studio, "beat")["state"] == "fault"


def test_doctor_without_a_database_does_not_know_of_beat(studio: Studio) -> None:
    assert finding(studio, "beat")["state"] == "warning"
