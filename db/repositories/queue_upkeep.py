"""What must happen to jobs without anybody's asking: take back the lost, wake the rested.

Each public method is one whole unit of work and idempotent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.orm import Session

from db.models import Job
from db.repositories.clock import instant
from db.repositories.fair_shares import FairShareRepository
from db.repositories.moves import LONGEST_REST_S, NO_ERROR, Moves, error
from db.states import JobState
from studio.words import msgs

BATCH = 200
"""Jobs handled in one transaction."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of the jobs whose lease had run out."""

    requeued: int = 0
    failed: int = 0
    cancelled: int = 0


class QueueUpkeep:
    """Moves jobs that nobody holds any more, or that have rested."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shares = FairShareRepository(session)
        self._moves = Moves(session)

    def reconcile(self, *, max_attempts: int, silent_at: datetime, lease_s: float) -> Reconciled:
        """Take back jobs whose lease had run out at ``silent_at``.

        A lease that ends far later than it would if it were given then was given before the clock
        was set back, and not renewed since. Twice ``lease_s`` is far, as one may have been
        renewed after ``silent_at`` was read.
        """
        in_force = Job.lease_expires_at.between(
            silent_at, silent_at + timedelta(seconds=2 * lease_s)
        )
        outcome: Counter[JobState | None] = Counter()
        for job_id, owner_id, attempt in self._running(~in_force):
            self._shares.lock(owner_id)
            still_expired = (Job.id == job_id, Job.attempt == attempt, ~in_force)
            moved = self._moves.spend(still_expired, max_attempts, _worker_lost(max_attempts))
            outcome[moved] += 1
        return Reconciled(
            requeued=outcome[JobState.QUEUED],
            failed=outcome[JobState.FAILED],
            cancelled=outcome[JobState.CANCELLED],
        )

    def wake_rested(self) -> int:
        """Queue again what has rested long enough, a batch at most; returns how many were due.

        Those that somebody cancels meanwhile are among them.
        """
        resting = (Job.state == JobState.QUEUED, Job.not_before.is_not(None))
        latest = instant(self._session, LONGEST_REST_S)
        rested = self._session.execute(
            select(Job.owner_id, Job.lane, Job.id)
            .where(*resting, ~Job.not_before.between(instant(self._session), latest))
            .order_by(Job.owner_id, Job.lane)
            .limit(BATCH)
        ).all()
        for (owner_id, lane), jobs in groupby(rested, key=lambda row: (row.owner_id, row.lane)):
            self._shares.lock(owner_id)
            woken = self._session.scalars(
                update(Job)
                .where(Job.id.in_([job.id for job in jobs]), *resting)
                .values(not_before=None, **NO_ERROR)
                .returning(Job.id)
                .execution_options(synchronize_session=False)
            ).all()
            self._shares.add_queued(owner_id, lane, len(woken))
        return len(rested)

    def _running(self, is_expired: ColumnElement[bool]) -> Sequence[Row[UUID, UUID, int]]:
        """Candidates only: read before their locks, so each is looked at again."""
        return self._session.execute(
            select(Job.id, Job.owner_id, Job.attempt)
            .where(Job.state == JobState.RUNNING, is_expired)
            .order_by(Job.owner_id, Job.id)
            .limit(BATCH)
        ).all()


def _worker_lost(attempts: int) -> dict[str, Any]:
    return error(
        "worker.lost",
        msgs(
            "The worker was lost while it ran this job, which was tried {n} time. "
            "The job may need more memory than the machine has.",
            "The worker was lost while it ran this job, which was tried {n} times. "
            "The job may need more memory than the machine has.",
            attempts,
        ),
    )
