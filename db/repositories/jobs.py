"""Runs found again: one with its files, a page of the history, a batch, a lineage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from db.actor import Actor
from db.models import Job, JobInput, JobNeed, JobOutput, User
from db.repositories.history import (
    Count,
    Cursor,
    JobFilters,
    JobPage,
    JobRow,
    select_matching,
    select_rows,
)
from db.repositories.visibility import Trash, visible_jobs


@dataclass(frozen=True, slots=True)
class Person:
    """An owner to filter by."""

    id: UUID
    name: str


class JobRepository:
    """Runs and their files, as those who may see them find them. Writes nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, actor: Actor, job_id: UUID) -> Job | None:
        """A visible run with owner, inputs, outputs and their blobs; also from the trash."""
        return self._session.scalar(_with_all(actor, Job.id == job_id))

    def chain(self, actor: Actor, run_id: UUID) -> Sequence[Job]:
        """A run and its steps, those that :meth:`get` finds."""
        return self._session.scalars(
            _with_all(actor, or_(Job.id == run_id, Job.serves_id == run_id))
        ).all()

    def hold(self, actor: Actor, job_ids: Collection[UUID]) -> Sequence[Job]:
        """Those that :meth:`get` finds; nobody purges them before this transaction named them."""
        found = _with_all(actor, Job.id.in_(job_ids))
        held = found.with_for_update(of=Job, read=True, key_share=True)
        return self._session.scalars(held).all()

    def hold_ids(self, actor: Actor, job_ids: Collection[UUID]) -> set[UUID]:
        """Which of these the actor sees, held as :meth:`hold` does, and not loaded."""
        visible = visible_jobs(actor, Trash.INCLUDED).with_only_columns(Job.id)
        held = visible.where(Job.id.in_(job_ids))
        return set(self._session.scalars(held.with_for_update(read=True, key_share=True)))

    def page(
        self,
        actor: Actor,
        filters: JobFilters | None = None,
        limit: int = 24,
        cursor: str | None = None,
    ) -> JobPage:
        """At most ``limit`` visible runs, newest first, from where ``cursor`` points.

        Raises:
            InvalidCursorError: the cursor is not one that a page gave.

        """
        filters = filters or JobFilters()
        start = Cursor.parse(cursor) if cursor else None
        matching = select_matching(actor, filters)
        if start and start.is_towards_newer:
            return self._newer_page(actor, filters, limit, start)
        if start:
            matching = matching.where(Job.id < start.job_id)
        rows = self._rows(matching.order_by(Job.id.desc()).limit(limit + 1))
        return _page(rows[:limit], has_older=len(rows) > limit, has_newer=start is not None)

    def rows(self, actor: Actor, job_ids: Collection[UUID]) -> Sequence[JobRow]:
        """Those of ``job_ids`` that are visible, newest first; also from the trash."""
        visible = visible_jobs(actor, Trash.INCLUDED).with_only_columns(Job.id)
        return self._rows(visible.where(Job.id.in_(job_ids)))

    def others(
        self,
        actor: Actor,
        filters: JobFilters,
        known: Collection[UUID],
        *,
        newer_than: UUID,
        limit: int,
    ) -> Sequence[UUID]:
        """At most ``limit`` matching runs that are not among the ``known``, newest first."""
        matching = select_matching(actor, filters).where(Job.id > newer_than)
        newest = matching.where(Job.id.not_in(known)).order_by(Job.id.desc()).limit(limit)
        return self._session.scalars(newest).all()

    def batch(self, actor: Actor, batch_id: UUID) -> Sequence[JobRow]:
        """All visible runs of a batch, however many, in the order they were submitted in."""
        matching = select_matching(actor, JobFilters(batch_id=batch_id))
        return self._rows(matching)[::-1]

    def count(self, actor: Actor, filters: JobFilters | None = None, cap: int = 1000) -> Count:
        """How many visible runs match, looking no further than ``cap``."""
        matching = select_matching(actor, filters or JobFilters()).order_by(Job.id.desc())
        first = matching.limit(cap + 1).subquery()
        found = self._session.scalar(select(func.count()).select_from(first)) or 0
        return Count(min(found, cap), found <= cap)

    def children(self, actor: Actor, job_id: UUID) -> Sequence[JobRow]:
        """Visible runs that were made from this one, newest first; for a step, what it serves."""
        shown_id = func.coalesce(Job.serves_id, Job.id)
        made = visible_jobs(actor).with_only_columns(shown_id).where(Job.parent_id == job_id)
        return self._rows(visible_jobs(actor).with_only_columns(Job.id).where(Job.id.in_(made)))

    def awaited(self, actor: Actor, job_id: UUID) -> Sequence[JobRow]:
        """Visible runs whose results this one has yet to get, newest first."""
        needed = select(JobNeed.needed_id).where(JobNeed.job_id == job_id, JobNeed.is_open)
        return self._rows(visible_jobs(actor).with_only_columns(Job.id).where(Job.id.in_(needed)))

    def ancestors(self, actor: Actor, job_id: UUID) -> Sequence[JobRow]:
        """Visible runs that this one descends from, newest first."""
        line = select(Job.id, Job.parent_id).where(Job.id == job_id).cte("line", recursive=True)
        line = line.union(select(Job.id, Job.parent_id).join(line, Job.id == line.c.parent_id))
        older = Job.id.in_(select(line.c.id).where(line.c.id != job_id))
        return self._rows(visible_jobs(actor).with_only_columns(Job.id).where(older))

    def owners(self, actor: Actor, without_tools: Sequence[str] = ()) -> Sequence[Person]:
        """Everybody of whom the actor sees a run of any other than these tools, by name."""
        visible = visible_jobs(actor).where(Job.tool.not_in(without_tools))
        has_visible = visible.where(Job.owner_id == User.id).exists()
        people = self._session.execute(
            select(User.id, User.name).where(has_visible).order_by(User.name)
        )
        return [Person(*person) for person in people]

    def _rows(self, ids: Select[UUID]) -> list[JobRow]:
        found = self._session.execute(select_rows(ids.subquery()))
        return [JobRow(**row) for row in found.mappings()]

    def _newer_page(self, actor: Actor, filters: JobFilters, limit: int, start: Cursor) -> JobPage:
        newer = select_matching(actor, filters).where(Job.id > start.job_id)
        rows = self._rows(newer.order_by(Job.id).limit(limit + 1))
        if len(rows) <= limit:  # the first page: from its very start, and full
            return self.page(actor, filters, limit)
        return _page(rows[1:], has_older=True, has_newer=True)


def _with_all(actor: Actor, condition: ColumnElement[bool]) -> Select[Job]:
    found = visible_jobs(actor, Trash.INCLUDED).where(condition)
    return found.options(joinedload(Job.owner), *with_files())


def with_files() -> tuple[ExecutableOption, ...]:
    """Loads the inputs and outputs of runs with what is known of their bytes."""
    return (
        selectinload(Job.inputs).joinedload(JobInput.blob),
        selectinload(Job.outputs).joinedload(JobOutput.blob),
    )


def _page(rows: list[JobRow], *, has_older: bool, has_newer: bool) -> JobPage:
    older = str(Cursor(rows[-1].id, is_towards_newer=False)) if rows and has_older else None
    newer = str(Cursor(rows[0].id, is_towards_newer=True)) if rows and has_newer else None
    return JobPage(rows, next_cursor=older, previous_cursor=newer)
