"""Batches as a whole: paused and resumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from db.models import Batch, Job
from db.repositories.clock import instant
from db.repositories.dialect import some
from db.repositories.fair_shares import FairShareRepository
from db.repositories.needs import NeedRepository
from db.repositories.transitions import transit
from db.states import UNFINISHED, JobState


@dataclass(frozen=True, slots=True)
class UnfinishedBatch:
    """A batch with runs that have not ended."""

    id: UUID
    tool: str
    left: int


class BatchRepository:
    """Batches, which only their owner and admins change. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, batch_id: UUID) -> Batch | None:
        """The batch, whoever owns it."""
        return self._session.get(Batch, batch_id)

    def unfinished(self, owner_id: UUID, among: int = 20) -> list[UnfinishedBatch]:
        """Those of the person's newest batches that go on, the newest first."""
        newest = (
            select(Batch.id, Batch.tool)
            .where(Batch.owner_id == owner_id)
            .order_by(Batch.id.desc())
            .limit(among)
            .subquery()
        )
        found = self._session.execute(
            select(newest.c.id, newest.c.tool, func.count())
            .join(Job, Job.batch_id == newest.c.id)
            .where(Job.state.in_(UNFINISHED), Job.serves_id.is_(None), Job.deleted_at.is_(None))
            .group_by(newest.c.id, newest.c.tool)
            .order_by(newest.c.id.desc())
        )
        return [UnfinishedBatch(*row) for row in found]

    def pause(self, batch: Batch) -> int:
        """Let the queued jobs wait until ``resume``; returns how many. Running ones finish."""
        FairShareRepository(self._session).lock(batch.owner_id)
        self._set_paused(batch, instant(self._session))
        of_batch = (Job.batch_id == batch.id,)
        return len(transit(self._session, of_batch, JobState.QUEUED, JobState.WAITING, {}))

    def resume(self, batch: Batch) -> int:
        """Queue the jobs that wait for nothing else, in their old order; returns how many."""
        FairShareRepository(self._session).lock(batch.owner_id)
        self._set_paused(batch, None)
        return len(NeedRepository(self._session).release(Job.batch_id == batch.id))

    def forget_empty(self, created_before: datetime, *, limit: int) -> int:
        """Delete up to ``limit`` batches of before then whose runs have all been purged.

        For maintenance; returns how many. A batch gets its runs in the transaction that makes it.
        """
        has_jobs = exists().where(Job.batch_id == Batch.id)
        empty = some(limit, Batch.id, Batch.created_at < created_before, ~has_jobs)
        return len(self._session.scalars(delete(Batch).where(*empty).returning(Batch.id)).all())

    def _set_paused(self, batch: Batch, at: ColumnElement[datetime] | None) -> None:
        self._session.execute(update(Batch).where(Batch.id == batch.id).values(paused_at=at))
