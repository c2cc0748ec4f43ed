from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Event
from time import monotonic

import pytest

from db.errors import DatabaseAwayError
from studio.settings import ROOT
from tasks import queue_upkeep
from tasks.beat_watch import BeatWatch
from tasks.queue_upkeep import QueueKeeper
from tasks.services import Services
from tasks.worker_reports import Hearing
from tests.servers import wait_until

STUCK_AFTER_S = 0.3
HANGING = """
from threading import Event

from celery.signals import beat_init
from tasks import beat_watch, queue_upkeep

queue_upkeep.see_to_the_queue = lambda services: Event().wait()
beat_init.send(sender=None)
Event().wait(60)
"""


class Ends:
    """Counts how often the process would have ended."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def hurried(services: Services) -> Services:
    settings = services.settings.model_copy(
        update={"reconcile_s": 0.01, "deaf_after_s": STUCK_AFTER_S}
    )
    return Services(settings, services.database, services.blobs)


@pytest.fixture
def keeper(hurried: Services) -> Iterator[QueueKeeper]:
    keeper = QueueKeeper(hurried)
    yield keeper
    if keeper.is_alive():
        keeper.retire()


@pytest.fixture
def silence_s() -> list[float]:
    """What the clock of ``sending`` shows."""
    return [0.0]


def sending(silence_s: list[float], broker_takes: int) -> Hearing:
    return Hearing(lambda: broker_takes, lambda: True, STUCK_AFTER_S / 3, lambda: silence_s[0])


def test_watch_round_that_never_ends_ends_beat(
    hurried: Services,
    keeper: QueueKeeper,
    silence_s: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_end, ends = Event(), Ends()
    monkeypatch.setattr(queue_upkeep, "see_to_the_queue", lambda _: may_end.wait(timeout=60))
    watch = BeatWatch(hurried.settings, keeper, sending(silence_s, 1), ends)
    keeper.start()
    watch.look()
    assert ends.count == 0
    watch.start()
    try:
        wait_until(lambda: ends.count > 0, what="the end of beat")
        assert "has not seen to the queue" in caplog.text
    finally:
        may_end.set()
        watch.retire()


def test_watch_rounds_that_fail_are_no_reason_to_end(
    hurried: Services,
    keeper: QueueKeeper,
    silence_s: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    round_s, clock_s = 20.0, [monotonic()]
    rounds: list[float] = []

    def fail(_: Services) -> None:
        clock_s[0] += round_s
        rounds.append(clock_s[0])
        raise DatabaseAwayError

    monkeypatch.setattr(queue_upkeep, "monotonic", lambda: clock_s[0])
    monkeypatch.setattr(queue_upkeep, "see_to_the_queue", fail)
    ends = Ends()
    settings = hurried.settings.model_copy(update={"deaf_after_s": 1.5 * round_s})
    watch = BeatWatch(settings, keeper, sending(silence_s, 1), ends)
    keeper.start()
    wait_until(lambda: len(rounds) > 3, what="rounds that failed")
    watch.look()
    assert ends.count == 0


@pytest.mark.parametrize(("broker_takes", "ends_beat"), [(1, True), (0, False)])
def test_watch_beat_that_sends_no_token_is_ended_if_the_broker_takes_some(
    hurried: Services,
    keeper: QueueKeeper,
    silence_s: list[float],
    broker_takes: int,
    ends_beat: bool,
) -> None:
    ends = Ends()
    settings = hurried.settings.model_copy(update={"deaf_after_s": 30})
    watch = BeatWatch(settings, keeper, sending(silence_s, broker_takes), ends)
    for silence_s[0] in (5, 20, 35):
        watch.look()
    assert (ends.count > 0) == ends_beat


def test_beat_whose_round_hangs_ends_its_process(services: Services) -> None:
    settings = services.settings
    environment = {
        "STUDIO_DATA_DIR": str(settings.data_dir),
        "STUDIO_DATABASE_URL": settings.resolved_database_url,
        "STUDIO_BROKER_URL": "redis://127.0.0.1:1/0",  # that no tokens go out is no fault then
        "STUDIO_RECONCILE_S": "0.1",
        "STUDIO_DEAF_AFTER_S": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        env=os.environ | environment,
        timeout=50,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "beat has not seen to the queue" in ended.stderr
