"""What the queue needs without anybody's asking: lost jobs back, rested ones awake, tokens anew.

Beat's process sees to it in a thread of its own. It runs no jobs, so however long every worker
is busy, no round waits for any of them (ADR 35).
"""

from __future__ import annotations

import logging
from datetime import datetime
from threading import Event, Thread
from time import monotonic

from db.errors import DatabaseAwayError
from db.repositories.fair_shares import FairShareRepository
from db.repositories.pulse import PulseRepository
from db.repositories.queue_upkeep import QueueUpkeep, Reconciled
from db.repositories.workers import WorkerRepository
from db.types import Lane, utc_now
from tasks.celery_app import wake
from tasks.services import Services
from tasks.status import keeper_name, pulse_tolerance_s, slots

logger = logging.getLogger(__name__)


class QueueKeeper(Thread):
    """Sees to the queue every ``reconcile_s``, until ``retire``."""

    def __init__(self, services: Services) -> None:
        super().__init__(name="queue-keeper", daemon=True)
        self._services = services
        self._over = Event()
        self._came_round_s = monotonic()

    @property
    def overdue_s(self) -> float:
        """Seconds for which the round under way, or the next, should have been over."""
        since_s = monotonic() - self._came_round_s
        return max(0.0, since_s - self._services.settings.reconcile_s)

    def run(self) -> None:
        """One round after the other; what keeps one from being whole is logged, and passes.

        Each that was whole is reported, so that a check sees when none is any more.
        """
        started_at = utc_now()
        while not self._over.wait(self._services.settings.reconcile_s):
            try:
                see_to_the_queue(self._services)
                self._report(started_at)
            except DatabaseAwayError as error:
                logger.warning("the queue was not seen to: %s", error.__cause__)
            except Exception:
                logger.exception("the queue was not seen to")
            self._came_round_s = monotonic()

    def _report(self, started_at: datetime) -> None:
        with self._services.database.write() as session:
            WorkerRepository(session).report(keeper_name(), [], 0, started_at=started_at)

    def retire(self) -> None:
        """End after the round under way."""
        self._over.set()
        self.join()


def see_to_the_queue(services: Services) -> None:
    """One round; idempotent, so two at once do no harm."""
    reconcile(services)
    wake_rested(services)
    top_up(services)


def reconcile(services: Services) -> Reconciled:
    """Requeue, fail or cancel jobs whose worker has been silent for a whole lease.

    Silence is believed only when the database could be reached all that time.
    """
    settings = services.settings
    with services.database.write() as session:
        silent_at = PulseRepository(session).is_unbroken(
            for_s=settings.lease_s, tolerance_s=pulse_tolerance_s(settings)
        )
        if silent_at is None:
            return Reconciled()
        done = QueueUpkeep(session).reconcile(
            max_attempts=settings.max_attempts, silent_at=silent_at, lease_s=settings.lease_s
        )
    if done != Reconciled():
        logger.warning(
            "lost workers: %d jobs requeued, %d failed, %d cancelled",
            done.requeued,
            done.failed,
            done.cancelled,
        )
    return done


def wake_rested(services: Services) -> int:
    """Queue again what has rested long enough; returns how many those were."""
    woken = 0
    while True:
        with services.database.write() as session:
            batch = QueueUpkeep(session).wake_rested()
        if not batch:
            return woken
        woken += batch


def top_up(services: Services) -> dict[Lane, int]:
    """Send as many tokens as jobs wait and slots are free; returns how many by lane.

    They stand in for tokens that were lost, or never sent because the broker was down. Slots that
    are taken need none, as a worker that finishes wakes the next one itself: tokens for them would
    only pile up, expired, before those that are wanted.
    """
    with services.database.read() as session:
        shares = FairShareRepository(session)
        queued, running = shares.queued_counts(), shares.running_counts()
    sent = {}
    for lane, count in queued.items():
        wanted = min(count, slots(services, lane) - running[lane])
        if wanted > 0:
            expires_s = 2 * services.settings.reconcile_s
            sent[lane] = wake(services.settings, lane, wanted, expires_s=expires_s)
    return sent
