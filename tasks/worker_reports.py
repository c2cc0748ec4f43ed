"""A worker reports for duty, to the database, so that every broker shows the same list.

What it reports is that it *takes work*, not only that it lives: a parent whose connection
to the broker has died without its noticing looks healthy from outside. One that hears
nothing although tokens are sent to it ends itself, and whoever supervises it starts another.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import monotonic
from typing import Any

import psutil
from celery.signals import task_received, worker_ready, worker_shutdown
from celery.worker import state
from sqlalchemy.orm import Session

from db.errors import DatabaseAwayError
from db.repositories.fair_shares import FairShareRepository
from db.repositories.pulse import PulseRepository
from db.repositories.workers import WorkerRepository
from db.session import Database
from db.types import Lane, utc_now
from studio.settings import Settings, get_settings
from tasks.celery_app import LISTEN_TASK, app, queue_name, wake
from tasks.status import REPORT_EVERY_S, pulse_tolerance_s

STUCK = 2
"""So many times too long deaf, a worker that has not ended by now, and runs nothing, is killed."""
ASK = 1 / 3
"""After this part of the time that makes it deaf, a worker sends itself a token."""

logger = logging.getLogger(__name__)


class Hearing:
    """Since when a worker has taken no token although there should have been some.

    Or since when beat has sent none.

    ``ask`` sends it tokens and returns how many the broker took, which is done after
    ``ask_after_s`` of silence; ``is_idle`` says whether it has a free slot, ``clock`` is monotonic.
    """

    def __init__(
        self,
        ask: Callable[[], int],
        is_idle: Callable[[], bool],
        ask_after_s: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask, self._is_idle, self._clock = ask, is_idle, clock
        self._ask_after_s = ask_after_s
        self._was_asked = False
        self.note()

    def note(self) -> None:
        """It has taken a token, or could not have."""
        self._heard_s, self._was_asked = self._clock(), False

    def look(self, *, is_work_expected: bool) -> float:
        """Seconds of deafness so far. Silence counts once tokens were sent and taken by the broker.

        A broker that is away, or workers with their hands full, are no deafness.
        """
        if not is_work_expected or not self._is_idle():
            self.note()
        silent_s = self._clock() - self._heard_s
        if silent_s >= self._ask_after_s and not self._was_asked:
            if self._ask():
                self._was_asked = True
            else:
                self.note()
        return silent_s if self._was_asked else 0.0


class Reporter(Thread):
    """Reports every few seconds, beats the pulse, and ends a worker that has gone deaf."""

    def __init__(self, settings: Settings, name: str, lanes: Sequence[Lane], slots: int) -> None:
        super().__init__(name="reporter", daemon=True)
        self._settings = settings
        self._database = Database(settings.resolved_database_url)
        self._worker = name
        self._lanes, self._slots = lanes, slots
        self._hearing = Hearing(self.wake, self._is_idle, settings.deaf_after_s * ASK)
        self._started_at = utc_now()
        self._is_on_duty = self._is_ending = False
        self._over = Event()

    def run(self) -> None:
        """Report until ``retire``."""
        period_s = min(REPORT_EVERY_S, pulse_tolerance_s(self._settings) / 2)
        while not self._over.is_set():
            try:
                self.report()
            except Exception:
                logger.exception("not reported for duty")
            self._over.wait(period_s)

    def report(self) -> None:
        """Report once; a database that is away is told in the log, and the next report is due."""
        try:
            with self._database.read() as session:
                is_work_expected = self._is_work_expected(session)
            deaf_for_s = self._hearing.look(is_work_expected=is_work_expected)
            with self._database.write() as session:
                self._write(session, deaf_for_s)
        except DatabaseAwayError as error:
            logger.warning("not reported for duty: %s", error.__cause__)
            return
        if not self._is_on_duty:
            self._is_on_duty = True
            self.wake()
        if deaf_for_s > self._settings.deaf_after_s:
            self._end(deaf_for_s)

    def wake(self) -> int:
        """Send a token for each slot to each lane; returns how many the broker took."""
        return sum(wake(self._settings, lane, self._slots) for lane in self._lanes)

    def note_token(self) -> None:
        """The worker has taken a token."""
        self._hearing.note()

    def retire(self) -> None:
        """Leave the list at once."""
        self._over.set()
        self.join()
        with self._database.write() as session:
            WorkerRepository(session).retire(self._worker)

    def _is_idle(self) -> bool:
        return len(state.active_requests) < self._slots

    def _is_work_expected(self, session: Session) -> bool:
        """Beat wakes maintenance all the time; other lanes get tokens when somebody waits."""
        if Lane.MAINTENANCE in self._lanes:
            return True
        due = FairShareRepository(session).queued_counts()
        return any(due[lane] for lane in self._lanes)

    def _write(self, session: Session, deaf_for_s: float) -> None:
        if not self._is_on_duty and Lane.MAINTENANCE in self._lanes:
            FairShareRepository(session).rebuild()
        PulseRepository(session).beat(tolerance_s=pulse_tolerance_s(self._settings))
        WorkerRepository(session).report(
            self._worker,
            self._lanes,
            self._slots,
            started_at=self._started_at,
            deaf_for_s=deaf_for_s,
        )

    def _end(self, deaf_for_s: float) -> None:
        """Ask the worker to end after its jobs; kill one that cannot even hear that."""
        if deaf_for_s < STUCK * self._settings.deaf_after_s or state.active_requests:
            if self._is_ending:
                return
            self._is_ending = True
            logger.critical("took no work for %.0f s though there was some: ending", deaf_for_s)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        logger.critical("stuck for %.0f s: killed", deaf_for_s)
        this = psutil.Process()
        for process in (*this.children(recursive=True), this):
            process.kill()


@app.task(name=LISTEN_TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
def listen() -> None:
    """Nothing: that its token was taken is what it is for."""


_reporters: list[Reporter] = []
"""The one of this process, once it is ready."""


@task_received.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _note_token(**_: object) -> None:
    for reporter in _reporters:
        reporter.note_token()


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def begin_duty(sender: Any, **_: object) -> None:  # noqa: ANN401 — Celery's Consumer
    """Report now and from now on, and take up work that waited for a worker."""
    consumed = sender.app.amqp.queues.consume_from
    lanes = [lane for lane in Lane if queue_name(lane) in consumed]
    slots = sender.pool.num_processes
    # Two workers of one kind may share a machine, and then a name without this.
    name = f"{sender.hostname}:{os.getpid()}"
    reporter = Reporter(get_settings(), name, lanes, slots)
    _reporters.append(reporter)
    reporter.start()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def end_duty(**_: object) -> None:
    """Leave the list at once when shut down properly."""
    for reporter in _reporters:
        try:
            reporter.retire()
        except DatabaseAwayError as error:
            logger.warning("still on the list of workers: %s", error.__cause__)
