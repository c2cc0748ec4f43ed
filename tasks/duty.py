"""A worker reports for duty: to the database, so that every broker shows the same list."""

from __future__ import annotations

import logging
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from sqlalchemy.exc import SQLAlchemyError

from db.repositories.fair_shares import FairShareRepository
from db.repositories.workers import WorkerRepository
from db.session import Database
from db.types import Lane, utc_now
from studio.settings import get_settings
from tasks.celery_app import queue_name, wake
from tasks.status import REPORT_EVERY_S

logger = logging.getLogger(__name__)


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def begin_duty(sender: Any, **_: object) -> None:  # noqa: ANN401 — Celery's Consumer
    """Report now and from now on, and take up work that waited for a worker."""
    settings = get_settings()
    database = Database(settings.resolved_database_url)
    consumed = sender.app.amqp.queues.consume_from
    lanes = [lane for lane in Lane if queue_name(lane) in consumed]
    slots = sender.pool.num_processes
    started_at = utc_now()

    def report() -> None:
        try:
            with database.write() as session:
                WorkerRepository(session).report(
                    sender.hostname, lanes, slots, started_at=started_at
                )
        except SQLAlchemyError as error:
            logger.warning("not reported for duty: %s", error)

    if Lane.MAINTENANCE in lanes:
        with database.write() as session:
            FairShareRepository(session).rebuild()
    report()
    sender.timer.call_repeatedly(REPORT_EVERY_S, report)
    for lane in lanes:
        if lane is not Lane.MAINTENANCE:
            wake(settings, lane, slots)


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def end_duty(sender: Any, **_: object) -> None:  # noqa: ANN401 — Celery's WorkController
    """Leave the list at once when shut down properly."""
    with Database(get_settings().resolved_database_url).write() as session:
        WorkerRepository(session).retire(sender.hostname)
