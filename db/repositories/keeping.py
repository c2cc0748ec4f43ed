"""What people change on runs that are there: star, note and tags, who sees them, the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from db.actor import Actor
from db.models import Batch, Job
from db.repositories.history import search_text
from db.repositories.visibility import Trash, may_change, visible_jobs
from db.states import ENDED, JobState
from db.types import Visibility, utc_now


class KeepingRepository:
    """Describes runs, shows and hides them, throws them away. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set_starred(self, actor: Actor, job_id: UUID, starred: bool) -> bool:
        """Mark a favourite. Returns whether the actor could: its owner and admins can."""
        return self._update(actor, job_id, Trash.INCLUDED, starred=starred)

    def set_note(self, actor: Actor, job_id: UUID, note: str) -> bool:
        """Write what is worth remembering. Returns whether the actor could."""

        def write(job: Job) -> None:
            job.note = note.strip()

        return self._describe(actor, job_id, write)

    def change_tags(
        self, actor: Actor, job_id: UUID, change: Callable[[Sequence[str]], Sequence[str]]
    ) -> bool:
        """Have what ``change`` makes of the tags that are there, which nobody else changes by then.

        Blanks and repetitions are dropped. Returns whether the actor could.
        """

        def write(job: Job) -> None:
            tags = (tag.strip() for tag in change(job.tags))
            job.tags = list(dict.fromkeys(filter(None, tags)))

        return self._describe(actor, job_id, write)

    def set_visibility(self, actor: Actor, job_id: UUID, visibility: Visibility) -> bool:
        """Show a run and its steps to the team, or to its owner and admins alone.

        Returns whether the actor could.
        """
        return self._update_with_steps(actor, job_id, Trash.INCLUDED, visibility=visibility)

    def trash(self, actor: Actor, job_id: UUID) -> bool:
        """Put a finished run and its steps in the trash.

        False when it is not the actor's, or not finished.
        """
        return self._update_with_steps(actor, job_id, Trash.HIDDEN, ENDED, deleted_at=utc_now())

    def restore(self, actor: Actor, job_id: UUID) -> bool:
        """Take a run and its steps out of the trash. False when it is not there or not theirs."""
        return self._update_with_steps(actor, job_id, Trash.ONLY, deleted_at=None)

    def purge_trash(self, before: datetime, *, most_runs: int) -> int:
        """Delete for good up to ``most_runs`` runs trashed before then; for maintenance.

        Returns how many went, with their steps. Their blobs stay until ``BlobRepository.forget``.
        A run goes with all of its few steps or not at all, as without them it could be taken out
        of the trash and not started again. So it stays while one of them has not stopped or is
        not in the trash, and while somebody takes it or one of them out of the trash, or is about
        to name it.
        """
        going = self._lock_purgeable(before, most_runs)
        if not going:
            return 0
        gone = delete(Job).returning(Job.id)
        steps = self._session.scalars(gone.where(Job.serves_id.in_(going))).all()
        runs = self._session.scalars(gone.where(Job.id.in_(going))).all()
        return len(steps) + len(runs)

    def _lock_purgeable(self, before: datetime, most_runs: int) -> set[UUID]:
        """Ids of runs, or of steps trashed alone, that may go; the steps of runs are locked too.

        A run of which somebody else holds any part is left out.
        """
        run_ids = self._session.scalars(_due(before, most_runs)).all()
        if not run_ids:
            return set()
        are_steps = Job.serves_id.in_(run_ids)
        may_go = select(Job.id).where(are_steps, _may_go(Job)).with_for_update(skip_locked=True)
        locked = self._session.scalars(may_go).all()
        stay = select(Job.serves_id).where(are_steps, Job.id.not_in(locked))
        return set(run_ids).difference(self._session.scalars(stay))

    def _update(
        self,
        actor: Actor,
        job_id: UUID,
        trash: Trash,
        states: Sequence[JobState] = tuple(JobState),
        **values: Any,  # noqa: ANN401 — columns of Job
    ) -> bool:
        visible = visible_jobs(actor, trash).with_only_columns(Job.id)
        statement = update(Job).where(
            Job.id == job_id, Job.id.in_(visible), may_change(actor), Job.state.in_(states)
        )
        return self._session.scalar(statement.values(values).returning(Job.id)) is not None

    def _update_with_steps(
        self,
        actor: Actor,
        job_id: UUID,
        trash: Trash,
        states: Sequence[JobState] = tuple(JobState),
        **values: Any,  # noqa: ANN401 — columns of Job
    ) -> bool:
        if not self._update(actor, job_id, trash, states, **values):
            return False
        self._session.execute(update(Job).where(Job.serves_id == job_id).values(values))
        return True

    def _describe(self, actor: Actor, job_id: UUID, write: Callable[[Job], None]) -> bool:
        visible = visible_jobs(actor, Trash.INCLUDED).where(Job.id == job_id, may_change(actor))
        job = self._session.scalar(visible.with_for_update())
        if job is None:
            return False
        write(job)
        batch = self._session.get(Batch, job.batch_id) if job.batch_id else None
        job.search_text = search_text(
            job.title, job.model, batch.name if batch else "", *job.tags, job.note
        )
        self._session.flush()
        return True


def _due(before: datetime, limit: int) -> Select[UUID]:
    run, step = aliased(Job), aliased(Job)
    goes_with_its_run = exists().where(run.id == Job.serves_id, run.deleted_at.is_not(None))
    has_steps_that_stay = exists().where(step.serves_id == Job.id, ~_may_go(step))
    return (
        select(Job.id)
        .where(Job.deleted_at < before, _may_go(Job), ~goes_with_its_run, ~has_steps_that_stay)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _may_go(job: type[Job]) -> ColumnElement[bool]:
    return and_(job.deleted_at.is_not(None), job.state.in_(ENDED))
