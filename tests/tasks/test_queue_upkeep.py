from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import select, update

from db.errors import DatabaseAwayError
from db.models import Job, Pulse, Worker
from db.repositories.pulse import PulseRepository
from db.repositories.queue import Beat, QueueRepository
from db.repositories.queue_upkeep import Reconciled
from db.repositories.workers import WorkerRepository
from db.types import Lane, utc_now
from tasks import queue_upkeep
from tasks.queue_upkeep import QueueKeeper, reconcile, see_to_the_queue, top_up, wake_rested
from tasks.services import Services
from tasks.status import beat_name, is_beat_here, live_workers, pulse_tolerance_s, slots
from tests.requests import submit_jobs
from tests.rows import AWAY
from tests.servers import wait_until

LONG_AGO = timedelta(days=40)


def report_for_duty(services: Services, name: str, lanes: list[Lane], children: int) -> None:
    with services.database.write() as session:
        WorkerRepository(session).report(name, lanes, children, started_at=utc_now())


def test_top_up_sends_as_many_tokens_as_can_be_used(services: Services) -> None:
    submit_jobs(services, 3)
    assert top_up(services) == {}  # nobody is there to take any
    report_for_duty(services, "light@a", [Lane.CPU, Lane.MAINTENANCE], 2)
    report_for_duty(services, "gpu@a", [Lane.GPU], 4)
    assert top_up(services) == {Lane.CPU: 2}
    report_for_duty(services, "light@b", [Lane.CPU], 5)
    assert top_up(services) == {Lane.CPU: 3}
    assert len(list((services.settings.data_dir / "broker").iterdir())) == 5


def test_top_up_slots_that_are_taken_are_sent_no_tokens(services: Services) -> None:
    submit_jobs(services, 3)
    report_for_duty(services, "light@a", [Lane.CPU, Lane.MAINTENANCE], 2)
    for worker, sent in (("a", {Lane.CPU: 1}), ("b", {})):
        with services.database.write() as session:
            assert QueueRepository(session).claim(Lane.CPU, worker, lease_s=60)
        assert top_up(services) == sent


def test_live_workers_silent_one_is_not_counted(services: Services) -> None:
    report_for_duty(services, "light@a", [Lane.CPU], 2)
    report_for_duty(services, "light@b", [Lane.CPU], 2)
    with services.database.write() as session:
        session.execute(
            update(Worker)
            .where(Worker.name == "light@a")
            .values(seen_at=utc_now() - timedelta(minutes=1))
        )
    assert [worker.name for worker in live_workers(services)] == ["light@b"]
    assert slots(services, Lane.CPU) == 2
    assert slots(services, Lane.GPU) == 0


def beat_for_a_lease(services: Services) -> None:
    """Workers have reached the database for a whole lease."""
    with services.database.write() as session:
        PulseRepository(session).beat(tolerance_s=1)
        lease = timedelta(seconds=services.settings.lease_s)
        session.execute(update(Pulse).values(unbroken_since=utc_now() - lease))


def test_reconcile_twice_takes_back_once(services: Services) -> None:
    submit_jobs(services, 1)
    beat_for_a_lease(services)
    with services.database.write() as session:
        QueueRepository(session).claim(Lane.CPU, "gone", lease_s=-1)
    assert reconcile(services) == Reconciled(requeued=1)
    assert reconcile(services) == Reconciled()


def test_reconcile_after_the_database_was_away_waits_for_the_living(services: Services) -> None:
    submit_jobs(services, 1)
    beat_for_a_lease(services)
    with services.database.write() as session:
        QueueRepository(session).claim(Lane.CPU, "alive", lease_s=-1)
        session.execute(update(Pulse).values(beat_at=utc_now() - timedelta(minutes=2)))
    assert reconcile(services) == Reconciled()
    with services.database.write() as session:
        PulseRepository(session).beat(tolerance_s=pulse_tolerance_s(services.settings))
    assert reconcile(services) == Reconciled()
    beat_for_a_lease(services)
    assert reconcile(services) == Reconciled(requeued=1)


@pytest.mark.parametrize("hours", [1, -1])
def test_reconcile_when_the_clock_is_set_takes_no_healthy_job_away(
    services: Services, hours: int
) -> None:
    """The database's clock cannot be set from here; so what it has written is, the other way."""
    submit_jobs(services, 1)
    with services.database.write() as session:
        held = QueueRepository(session).claim(Lane.CPU, "alive", lease_s=services.settings.lease_s)
    assert held is not None
    beat_for_a_lease(services)
    set_by = timedelta(hours=hours)
    with services.database.write() as session:
        job, pulse = session.get_one(Job, held.job_id), session.scalars(select(Pulse)).one()
        assert job.lease_expires_at is not None
        job.lease_expires_at -= set_by
        pulse.beat_at -= set_by
        pulse.unbroken_since -= set_by
    assert reconcile(services) == Reconciled()
    with services.database.write() as session:
        beat = QueueRepository(session).heartbeat(held, progress=0, stage="", lease_s=5)
    assert beat is Beat.HELD


def test_wake_rested_more_than_a_batch_wakes_all(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_jobs(services, 3)
    with services.database.write() as session:
        for _ in range(3):
            claim = QueueRepository(session).claim(Lane.CPU, "w", lease_s=60)
            assert claim is not None
            QueueRepository(session).postpone(claim, **AWAY, rest_s=60)
        session.execute(update(Job).values(not_before=utc_now() - LONG_AGO))
    monkeypatch.setattr("db.repositories.queue_upkeep.BATCH", 2)
    assert wake_rested(services) == 3
    report_for_duty(services, "light@a", [Lane.CPU], 5)
    assert top_up(services) == {Lane.CPU: 3}


def test_top_up_resting_jobs_are_sent_no_tokens(services: Services) -> None:
    submit_jobs(services, 1)
    report_for_duty(services, "light@a", [Lane.CPU], 2)
    with services.database.write() as session:
        claim = QueueRepository(session).claim(Lane.CPU, "w", lease_s=60)
        assert claim is not None
        QueueRepository(session).postpone(claim, **AWAY, rest_s=60)
    assert top_up(services) == {}


def test_queue_keeper_round_that_fails_is_followed_by_the_next(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    faults = [DatabaseAwayError(), ValueError("a fault of ours")]

    def see(given: Services) -> None:
        rounds.append(len(rounds))
        if faults:
            raise faults.pop()
        see_to_the_queue(given)

    monkeypatch.setattr(queue_upkeep, "see_to_the_queue", see)
    often = services.settings.model_copy(update={"reconcile_s": 0.01})
    keeper = QueueKeeper(Services(often, services.database, services.blobs))
    keeper.start()
    try:
        wait_until(lambda: len(rounds) > len(faults) + 2, what="a round after those that failed")
    finally:
        keeper.retire()
    assert not faults


def test_keeper_that_finishes_no_round_is_not_reported_whatever_tokens_beat_sends(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = Event(), Event()

    def hang(_: Services) -> None:
        begun.set()
        assert may_end.wait(timeout=30)

    monkeypatch.setattr(queue_upkeep, "see_to_the_queue", hang)
    report_for_duty(services, beat_name(), [], 0)
    often = services.settings.model_copy(update={"reconcile_s": 0.01})
    keeper = QueueKeeper(Services(often, services.database, services.blobs))
    keeper.start()
    try:
        assert begun.wait(timeout=30)
        assert not is_beat_here(services)
        may_end.set()
        wait_until(lambda: is_beat_here(services), what="a round that was finished")
    finally:
        may_end.set()
        keeper.retire()
