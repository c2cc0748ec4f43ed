"""Ends a beat that has stopped working without ending, so that its supervisor starts another.

Beat does two things, each in a thread: it sends tokens, and it sees to the queue (ADR 35). Either
may hang for good, in an answer that never comes, while the process lives.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from threading import Event, Thread

from celery.signals import after_task_publish, beat_init

from db.types import Lane
from studio.settings import Settings
from tasks.celery_app import LISTEN_TASK, wake
from tasks.queue_upkeep import QueueKeeper
from tasks.services import get_services
from tasks.worker_reports import ASK, Hearing

LOOK_EVERY_S = 5.0

logger = logging.getLogger(__name__)


@beat_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def begin(**_: object) -> None:
    """See to the queue, and watch over that and over the sending; only in beat's own process."""
    services = get_services()
    keeper = QueueKeeper(services)
    keeper.start()
    settings = services.settings
    sending = Hearing(
        lambda: wake(settings, Lane.MAINTENANCE),
        is_idle=lambda: True,
        ask_after_s=settings.deaf_after_s * ASK,
    )
    after_task_publish.connect(lambda **_: sending.note(), sender=LISTEN_TASK, weak=False)
    BeatWatch(settings, keeper, sending).start()


class BeatWatch(Thread):
    """Looks every few seconds whether both threads have lately come round.

    A round that failed counts as well as any: that the database or the broker is away is no fault
    of beat. ``sending`` is silent since the last token of beat's schedule, as far as the broker
    takes any; ``end`` ends the process.
    """

    def __init__(
        self,
        settings: Settings,
        keeper: QueueKeeper,
        sending: Hearing,
        end: Callable[[], None] = lambda: os._exit(1),
    ) -> None:
        super().__init__(name="beat-watch", daemon=True)
        self._stuck_after_s = settings.deaf_after_s
        self._keeper, self._sending, self._end = keeper, sending, end
        self._over = Event()

    def run(self) -> None:
        """Look until one is stuck, or ``retire``."""
        while not self._over.wait(min(LOOK_EVERY_S, self._stuck_after_s / 3)):
            self.look()

    def look(self) -> None:
        """End the process if a thread has been stuck for longer than a worker may be deaf."""
        silences_s = {
            "has not seen to the queue": self._keeper.overdue_s,
            "has sent no token though the broker takes some": self._sending.look(
                is_work_expected=True
            ),
        }
        for fault, silent_s in silences_s.items():
            if silent_s > self._stuck_after_s:
                # At once and with nothing tidied up: what hangs cannot be asked to end.
                logger.critical("beat %s for %.0f s: ended", fault, silent_s)
                self._end()
                return

    def retire(self) -> None:
        """End after the look under way."""
        self._over.set()
        self.join()
