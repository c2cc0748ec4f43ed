"""Jobs that are cancelled, or whose lease is lost, while they run."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import update

from db.actor import Actor
from db.models import Job
from db.repositories.queue import Beat, QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep, Reconciled
from db.states import JobState
from db.types import Lane, utc_now
from studio.errors import (
    JobCancelledError,
)
from studio.report import Report
from tasks import execute, heartbeat, tool_runner
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import cancel
from tests.rows import job_of
from tests.runners import Network, upscale_behaves
from tests.servers import wait_until
from tests.tasks.executing import run_all, running, submit_one


def test_cancel_while_a_network_runs_shows_at_once_and_drops_its_result(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    with upscale_behaves(network), running(services) as worker:
        assert network.started.wait(timeout=20)
        assert cancel(services, actor, job_id)
        wait_until(lambda: job_of(services.database, job_id).state is JobState.CANCELLED)
        assert worker.is_alive()  # the call has not returned, the row does not wait for it
        assert not cancel(services, actor, job_id)
        network.may_return.set()
    job = job_of(services.database, job_id)
    assert (job.state, job.outputs, job.record) == (JobState.CANCELLED, [], None)
    assert job.finished_at is not None


def test_cancel_after_a_beat_that_raised_what_nobody_expects_is_heard(
    services: Services,
    actor: Actor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id, network, raised = submit_one(services, actor), Network(), Event()
    original = QueueRepository.heartbeat

    def heartbeat(self: QueueRepository, *arguments: Any, **options: Any) -> Beat:
        if not raised.is_set():
            raised.set()
            raise ZeroDivisionError("once")
        return original(self, *arguments, **options)

    monkeypatch.setattr(QueueRepository, "heartbeat", heartbeat)
    with upscale_behaves(network), running(services):
        assert raised.wait(timeout=20)
        assert cancel(services, actor, job_id)
        wait_until(lambda: job_of(services.database, job_id).state is JobState.CANCELLED)
        network.may_return.set()
    assert "ZeroDivisionError" in caplog.text


def test_cancel_tool_that_reports_stops_at_its_next_report(
    services: Services, actor: Actor
) -> None:
    job_id, started = submit_one(services, actor), Event()

    def work(report: Report) -> None:
        started.set()
        for _ in range(2000):
            report.progress(0.5)
            time.sleep(0.01)
        raise AssertionError("ran to its end")

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
    assert job_of(services.database, job_id).state is JobState.CANCELLED


def take_away(services: Services) -> None:
    """The lease of the one running job runs out, and the job is queued again."""
    with services.database.write() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).values(lease_expires_at=past))
        done = QueueUpkeep(session).reconcile(
            max_attempts=3, silent_at=utc_now(), lease_s=services.settings.lease_s
        )
    assert done == Reconciled(requeued=1)


def test_lease_lost_while_running_leaves_the_job_to_the_second_worker(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    with upscale_behaves(network), running(services):
        assert network.started.wait(timeout=20)
        take_away(services)
        network.may_return.set()
    assert job_of(services.database, job_id).state is JobState.QUEUED
    run_all(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempt, len(job.outputs)) == (JobState.SUCCEEDED, 2, 1)


def test_lease_lost_interrupts_the_network_and_stops_the_tool(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, started, interrupted = submit_one(services, actor), Event(), Event()
    monkeypatch.setattr(tool_runner, "interrupt", lambda _settings: interrupted.set())
    went_on = Event()

    def work(report: Report) -> None:
        started.set()
        if not interrupted.wait(timeout=20):
            raise TimeoutError
        report.progress(0.9)
        went_on.set()

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        take_away(services)
    assert interrupted.is_set()
    assert not went_on.is_set()
    assert job_of(services.database, job_id).state is JobState.QUEUED


def test_cancel_interrupts_the_network_so_that_the_worker_is_free(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, started, interrupted = submit_one(services, actor), Event(), Event()
    monkeypatch.setattr(tool_runner, "interrupt", lambda _settings: interrupted.set())

    def work(_report: Report) -> None:
        """A network that ends only when it is interrupted."""
        started.set()
        if not interrupted.wait(timeout=20):
            raise TimeoutError
        raise JobCancelledError

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
    assert interrupted.is_set()
    assert job_of(services.database, job_id).state is JobState.CANCELLED


@pytest.mark.slow
def test_cancel_call_that_cannot_be_interrupted_gives_up_its_process_once_the_row_is_settled(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    states: list[JobState] = []

    def give_up() -> None:
        states.append(job_of(services.database, job_id).state)
        network.may_return.set()

    with upscale_behaves(network):
        thread = Thread(target=run_next, args=(services, Lane.CPU, give_up))
        thread.start()
        assert network.started.wait(timeout=20)
        cancel(services, actor, job_id)
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert states == [JobState.CANCELLED]


def test_end_process_that_cannot_wake_the_next_job_ends_all_the_same(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    ended: list[int] = []
    monkeypatch.setattr(execute, "_due", break_down)
    monkeypatch.setattr(os, "_exit", ended.append)
    execute._end_process(services, Lane.CPU)
    assert ended == [os.EX_TEMPFAIL]


def test_cancel_run_that_ends_by_itself_keeps_its_process(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "STOP_GRACE_S", 20)
    job_id, started, given_up = submit_one(services, actor), Event(), Event()

    def work(report: Report) -> None:
        started.set()
        while True:
            report.progress(0.5)
            time.sleep(0.01)

    with upscale_behaves(work):
        thread = Thread(target=run_next, args=(services, Lane.CPU, given_up.set))
        thread.start()
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
        thread.join(timeout=60)
    assert not thread.is_alive()
    assert not given_up.is_set()
