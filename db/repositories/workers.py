"""Workers that have reported for duty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.models import Worker
from db.repositories.clock import instant
from db.repositories.dialect import some
from db.types import Lane

FORGET_S = 24 * 3600.0
"""A worker unseen this long is dropped from the list."""


class WorkerRepository:
    """The list that pages show and that token top-up counts slots with."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def report(
        self,
        name: str,
        lanes: Iterable[Lane],
        slots: int,
        *,
        started_at: datetime,
        deaf_for_s: float = 0.0,
    ) -> None:
        """Put ``name`` on the list, or renew it, as seen now.

        ``deaf_for_s`` is how long it has taken no token although there should have been some.
        """
        worker = self._session.get(Worker, name)
        if worker is None:
            worker = Worker(name=name)
            self._session.add(worker)
        worker.lanes = [lane.value for lane in lanes]
        worker.slots = slots
        worker.started_at = started_at
        worker.seen_at = instant(self._session)
        worker.heard_at = instant(self._session, -deaf_for_s)

    def retire(self, name: str) -> None:
        """Take a worker that shut down properly off the list."""
        self._session.execute(delete(Worker).where(Worker.name == name))

    def forget_silent(self, *, limit: int) -> int:
        """Drop up to ``limit`` workers that have been silent for ``FORGET_S``; returns how many."""
        silent = some(limit, Worker.name, Worker.seen_at < instant(self._session, -FORGET_S))
        doomed = delete(Worker).where(*silent).returning(Worker.name)
        return len(self._session.scalars(doomed).all())

    def live(self, *, within_s: float) -> Sequence[Worker]:
        """Workers seen within the last ``within_s`` seconds, by name."""
        return self._session.scalars(
            select(Worker)
            .where(Worker.seen_at >= instant(self._session, -within_s))
            .order_by(Worker.name)
        ).all()
