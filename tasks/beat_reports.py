"""Beat reports after each token that the broker took, so that a check asks what it does."""

from __future__ import annotations

import logging

from celery.signals import after_task_publish, beat_init

from db.errors import DatabaseAwayError
from db.repositories.workers import WorkerRepository
from db.types import utc_now
from tasks.celery_app import LISTEN_TASK
from tasks.services import get_services
from tasks.status import beat_name

logger = logging.getLogger(__name__)


@beat_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def begin_reports(**_: object) -> None:
    """Only in beat's own process; others publish too."""
    started_at = utc_now()

    def report(**_: object) -> None:
        try:
            with get_services().database.write() as session:
                WorkerRepository(session).report(beat_name(), [], 0, started_at=started_at)
        except DatabaseAwayError as error:
            logger.warning("beat has not reported: %s", error.__cause__)

    after_task_publish.connect(report, sender=LISTEN_TASK, weak=False)
