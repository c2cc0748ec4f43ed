from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from db.migrate import upgrade
from db.repositories.pulse import PulseRepository
from db.session import Database
from db.types import Lane
from tasks.services import Services
from tasks.status import live_workers, slots
from tasks.worker_reports import Hearing, Reporter
from tests.servers import wait_until

ASK_AFTER_S, DEAF_AFTER_S = 15.0, 45.0


@dataclass
class Worker:
    """A worker as ``Hearing`` knows it: clock, free slots, and a broker or none."""

    now_s: float = 0.0
    is_idle: bool = True
    broker_takes: int = 1
    asked: int = 0
    hearing: Hearing = field(init=False)

    def __post_init__(self) -> None:
        self.hearing = Hearing(self.ask, lambda: self.is_idle, ASK_AFTER_S, lambda: self.now_s)

    def ask(self) -> int:
        self.asked += 1
        return self.broker_takes

    def pass_by(self, seconds: float, *, is_work_expected: bool = True) -> float:
        """Let time pass, looking every five seconds; returns the seconds of deafness at last."""
        deaf_s = 0.0
        for _ in range(int(seconds // 5)):
            self.now_s += 5
            deaf_s = self.hearing.look(is_work_expected=is_work_expected)
        return deaf_s


def test_hearing_worker_that_takes_no_token_though_asked_is_deaf() -> None:
    worker = Worker()
    assert worker.pass_by(ASK_AFTER_S - 5) == 0
    assert worker.asked == 0
    assert worker.pass_by(DEAF_AFTER_S) > DEAF_AFTER_S
    assert worker.asked == 1


def test_hearing_worker_without_work_is_not_asked() -> None:
    worker = Worker()
    assert worker.pass_by(3600, is_work_expected=False) == 0
    assert worker.asked == 0


def test_hearing_busy_worker_is_not_deaf() -> None:
    worker = Worker(is_idle=False)
    assert worker.pass_by(3600) == 0


def test_hearing_worker_without_a_broker_is_not_deaf() -> None:
    worker = Worker(broker_takes=0)
    assert worker.pass_by(3600) == 0
    assert worker.asked > 1
    worker.broker_takes = 1
    assert worker.pass_by(ASK_AFTER_S + DEAF_AFTER_S) > DEAF_AFTER_S


def test_hearing_token_taken_begins_anew() -> None:
    worker = Worker()
    worker.pass_by(DEAF_AFTER_S)
    worker.hearing.note()
    assert worker.pass_by(ASK_AFTER_S - 5) == 0


@pytest.fixture
def reporters() -> Iterator[list[Reporter]]:
    """Reporters to be ended with the test."""
    started: list[Reporter] = []
    yield started
    for reporter in started:
        reporter.retire()


@pytest.mark.slow
def test_reporter_started_while_the_database_is_away_goes_on_duty_when_it_is_back(
    services: Services,
    tmp_path: Path,
    reporters: list[Reporter],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = services.settings
    folder = tmp_path / "later"
    url = f"sqlite:///{folder / 'studio.db'}"
    away = settings.model_copy(update={"database_url": url, "lease_s": 0.4})
    reporters.append(Reporter(away, "light@here:1", [Lane.CPU, Lane.MAINTENANCE], 2))
    reporters[0].start()
    wait_until(
        lambda: caplog.text.count("not reported for duty") > 1, what="a second report in vain"
    )
    folder.mkdir()
    upgrade(url)
    later = replace(services, settings=away, database=Database(url))
    wait_until(lambda: len(live_workers(later)) == 1, what="the worker to go on duty")
    wait_until(
        lambda: len(list((settings.data_dir / "broker").glob("*.studio.cpu.msg"))) == 2,
        what="its tokens",
    )


def test_reporter_beats_the_pulse(services: Services, reporters: list[Reporter]) -> None:
    lease_s = 0.4
    settings = services.settings.model_copy(update={"lease_s": lease_s})
    reporters.append(Reporter(settings, "gpu@here:1", [Lane.GPU], 1))
    reporters[0].start()

    def is_unbroken() -> bool:
        with services.database.read() as session:
            pulse = PulseRepository(session)
            return pulse.is_unbroken(for_s=lease_s, tolerance_s=10) is not None

    wait_until(is_unbroken, what="a whole lease")


def test_reporter_two_of_a_kind_on_one_machine_are_both_on_duty(services: Services) -> None:
    for pid in (1, 2):
        Reporter(services.settings, f"gpu@here:{pid}", [Lane.GPU], 1).report()
    assert slots(services, Lane.GPU) == 2
