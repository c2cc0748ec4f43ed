"""How one job changes its state, and what that does to others.

Whoever calls a method here holds the shares of the job's owner.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import Job
from db.repositories.clock import instant
from db.repositories.needs import NeedRepository
from db.repositories.transitions import transit
from db.states import JobState
from studio.words import Message

LONGEST_REST_S = 600.0
"""No job rests longer; one that seems to was put to rest before the clock was set back."""

NO_ERROR: dict[str, Any] = {"error_code": None, "error_message": None}
"""The columns of a job that has nothing to say of a fault."""


class Moves:
    """The transitions that the queue and its upkeep share."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._needs = NeedRepository(session)

    def move(
        self,
        conditions: tuple[ColumnElement[bool], ...],
        source: JobState,
        target: JobState,
        values: dict[str, Any],
    ) -> bool:
        """Move one job, and with it what hangs on it; False when none met ``conditions``."""
        moved = transit(self._session, conditions, source, target, values)
        for job_id in moved:
            if target in (JobState.FAILED, JobState.CANCELLED):
                self._needs.abandon(job_id, target)
            elif target is JobState.QUEUED:
                self._needs.hold(Job.id == job_id)
        return bool(moved)

    def give_back(
        self,
        conditions: tuple[ColumnElement[bool], ...],
        values: dict[str, Any],
        *,
        target: JobState = JobState.QUEUED,
        rest_s: float = 0.0,
        reason: dict[str, Any] = NO_ERROR,
    ) -> JobState | None:
        """Move a running job to ``target``, or to cancelled if that was asked.

        A job that rests says on its row why, until it is woken.

        Returns ``target`` or CANCELLED, None when no running job meets ``conditions``. QUEUED
        stands for WAITING too, to which a job of a paused batch goes on at once.
        """
        asked = (*conditions, Job.cancel_requested.is_(True))
        cancelled = ending(self._session, JobState.CANCELLED)
        if self.move(asked, JobState.RUNNING, JobState.CANCELLED, cancelled):
            return JobState.CANCELLED
        if rest_s:
            not_before = instant(self._session, min(rest_s, LONGEST_REST_S))
            values = values | {"not_before": not_before} | reason
        values = ending(self._session, target) | values
        return target if self.move(conditions, JobState.RUNNING, target, values) else None

    def spend(
        self,
        conditions: tuple[ColumnElement[bool], ...],
        max_attempts: int,
        spent: dict[str, Any],
        *,
        rest_s: float = 0.0,
    ) -> JobState | None:
        """Count an attempt as the job's own; give the job back unless it was the last one.

        Returns the state it went to, None when no running job meets ``conditions``.
        """
        attempts_spent = self._session.scalar(select(Job.attempts_spent).where(*conditions))
        values = {"attempts_spent": Job.attempts_spent + 1}
        if attempts_spent is not None and attempts_spent + 1 >= max_attempts:
            return self.give_back(conditions, values | spent, target=JobState.FAILED)
        return self.give_back(conditions, values, rest_s=rest_s, reason=spent)


def ending(session: Session, target: JobState) -> dict[str, Any]:
    """What a job that stops running leaves behind when it becomes ``target``."""
    values: dict[str, Any] = {"worker": None, "lease_expires_at": None, "stage": ""}
    if target is JobState.QUEUED:
        return values | {"progress": 0.0, "started_at": None}
    return values | {"finished_at": instant(session)}


def error(code: str, message: Message) -> dict[str, Any]:
    """The columns that say why a job failed, or rests."""
    return {"error_code": code, "error_message": message}
