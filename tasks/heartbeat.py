"""The thread that keeps a running job's lease, writes its progress and hears of a cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from types import TracebackType

from sqlalchemy.orm import Session

from db.errors import DatabaseAwayError
from db.repositories.queue import Beat, Claim, QueueRepository
from studio.errors import JobCancelledError
from studio.report import Stage
from tasks.services import Services

Settlement = Callable[[QueueRepository], object]
"""The one transition that ends an attempt."""

STOP_GRACE_S = 1.5
"""How long a run that was stopped may take to notice, before its process is given up."""

logger = logging.getLogger(__name__)


class Heartbeat:
    """Context manager round the run of one job; its ``sink`` is the run's progress sink.

    The thread does not wait for the run to notice a cancel: it moves the row to cancelled
    itself, then calls ``on_stop`` to interrupt the network. A run that has not ended
    ``STOP_GRACE_S`` later, as a call into a library cannot always be interrupted, is given up
    with its process by ``give_up``; where there is none it stops at its next report of
    progress. Whatever it still makes is fenced off by the lost claim.
    """

    def __init__(
        self, services: Services, claim: Claim, give_up: Callable[[], None] | None = None
    ) -> None:
        self._services = services
        self._claim = claim
        self._give_up = give_up or _do_nothing
        self._turn = Lock()  # a beat and the settlement never overlap
        self._done = Event()
        self._stopped = Event()
        self.on_stop: Callable[[], None] = _do_nothing
        self._fraction = 0.0
        self._stage = ""
        self._thread = Thread(target=self._keep_beating, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def sink(self, fraction: float, stage: Stage) -> None:
        """Note progress; the thread writes it.

        Raises:
            JobCancelledError: the job was cancelled, or is another worker's by now.

        """
        self._fraction, self._stage = fraction, stage
        if self._stopped.is_set():
            raise JobCancelledError

    def settle(self, transition: Settlement) -> None:
        """Carry out the one transition that ends the attempt, however long the database is away.

        No beat comes after it, so whatever the log calls lost was lost.
        """
        tries = 0

        def move(session: Session) -> object:
            nonlocal tries
            tries += 1
            return transition(QueueRepository(session))

        with self._turn:
            moved = self._services.database.insist(move, wait_s=self._services.wait_s)
            self._done.set()
        if not moved and not self._stopped.is_set() and tries == 1:
            logger.warning("job %s: the lease was lost", self._claim.job_id)

    def _keep_beating(self) -> None:
        """Beat until the attempt is settled or lost, and in the latter case see that it ends.

        While the database is away nobody can take the job over, so the run goes on; when it
        is back the first beat says whose the job is (``tasks.queue_upkeep.reconcile``). Whatever
        else keeps a beat from being written is no reason to let the lease go either.
        """
        is_missed = False
        while not self._done.wait(self._services.settings.heartbeat_s):
            with self._turn:
                if self._done.is_set():
                    return
                try:
                    if not self._beat():
                        break
                    is_missed = False
                except Exception as error:
                    if not is_missed:
                        self._tell(error)
                    is_missed = True
        if self._stopped.is_set():
            self._end_the_run()

    def _tell(self, error: Exception) -> None:
        """Log why a beat was not written; of what nobody expects, where it came from too."""
        is_away = isinstance(error, DatabaseAwayError)
        reason, origin = (error.__cause__, None) if is_away else (error, error)
        logger.warning(
            "job %s: heartbeat not written: %s", self._claim.job_id, reason, exc_info=origin
        )

    def _end_the_run(self) -> None:
        """The row is settled, or another worker's; all that is left is to free the slot."""
        self.on_stop()
        if not self._done.wait(STOP_GRACE_S):
            self._give_up()

    def _beat(self) -> bool:
        """Whether to go on."""
        database, lease_s = self._services.database, self._services.settings.lease_s
        with database.write() as session:
            beat = QueueRepository(session).heartbeat(
                self._claim, progress=self._fraction, stage=self._stage, lease_s=lease_s
            )
        if beat is Beat.HELD:
            return True
        if beat is Beat.CANCEL:
            with database.write() as session:
                QueueRepository(session).stop(self._claim)
            logger.info("job %s: cancelled on request", self._claim.job_id)
        else:
            logger.warning("job %s: the lease was lost", self._claim.job_id)
        self._stopped.set()
        return False


def _do_nothing() -> None:
    """Until the runtimes are imported there is nothing to interrupt."""
