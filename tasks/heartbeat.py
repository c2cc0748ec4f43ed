"""The thread that keeps a running job's lease, writes its progress and hears of a cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from db.repositories.queue import Beat, Claim, QueueRepository
from studio.errors import JobCancelledError
from studio.report import Stage
from tasks.services import Services

logger = logging.getLogger(__name__)


class Heartbeat:
    """Context manager round the run of one job; its ``sink`` is the run's progress sink.

    The thread does not wait for the run to notice a cancel: it moves the row to cancelled
    itself, then calls ``on_stop`` to interrupt the network. A run that cannot be interrupted
    stops at its next report of progress, and whatever it still makes is fenced off by the
    lost claim.
    """

    def __init__(self, services: Services, claim: Claim) -> None:
        self._database = services.database
        self._settings = services.settings
        self._claim = claim
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

    def rest(self, seconds: float) -> None:
        """Wait, keeping the lease, unless the job is cancelled meanwhile."""
        self._stopped.wait(seconds)

    def _keep_beating(self) -> None:
        lease_ends_s = monotonic() + self._settings.lease_s
        while not self._done.wait(self._settings.heartbeat_s):
            try:
                if not self._beat():
                    return
                lease_ends_s = monotonic() + self._settings.lease_s
            except SQLAlchemyError as error:
                logger.warning("job %s: heartbeat not written: %s", self._claim.job_id, error)
                if monotonic() > lease_ends_s:
                    self._stopped.set()
                    self.on_stop()
                    return

    def _beat(self) -> bool:
        """Whether to go on."""
        with self._database.write() as session:
            beat = QueueRepository(session).heartbeat(
                self._claim,
                progress=self._fraction,
                stage=self._stage,
                lease_s=self._settings.lease_s,
            )
        if beat is Beat.HELD:
            return True
        self._stopped.set()
        if beat is Beat.CANCEL:
            with self._database.write() as session:
                QueueRepository(session).stop(self._claim)
            logger.info("job %s: cancelled on request", self._claim.job_id)
        else:
            logger.warning("job %s: the lease was lost", self._claim.job_id)
        self.on_stop()
        return False


def _do_nothing() -> None:
    """Until the runtimes are imported there is nothing to interrupt."""
