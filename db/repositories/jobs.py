"""Runs: submitted, found again, compared, described, thrown away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from db.actor import Actor
from db.models import SEARCH_TEXT_CHARS, Batch, Blob, Job, JobInput, JobOutput, User
from db.repositories.history import (
    Count,
    Cursor,
    JobFilters,
    JobPage,
    JobRow,
    select_matching,
    select_rows,
)
from db.repositories.visibility import Trash, may_change, visible_jobs
from db.states import TRANSITIONS, JobState
from db.types import Lane, Origin, Visibility, new_id, utc_now

_TERMINAL = tuple(state for state in JobState if not TRANSITIONS[state])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInput:
    """A stored file that a new run reads."""

    role: str
    blob_sha256: str
    file_name: str
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """All that a run needs to be queued. Params are those of the tool, as JSON.

    ``method`` is the model or built-in method among them that does the work.
    """

    owner_id: UUID
    tool: str
    method: str
    params: dict[str, Any]
    params_version: int
    lane: Lane
    inputs: Sequence[NewInput]
    batch: Batch | None = None
    parent_id: UUID | None = None
    origin: Origin | None = None
    visibility: Visibility = Visibility.TEAM
    priority: int = 0


@dataclass(frozen=True, slots=True)
class FoundOutput:
    """A file that an earlier run made of the same picture with the same method."""

    job_id: UUID
    file_name: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a past run took, for estimates. ``seconds`` by stage, as in the run record."""

    seconds: dict[str, float]
    input_megapixels: float
    params: dict[str, Any]
    used_model: bool
    """False when the run re-used a stored result and no network ran."""


@dataclass(frozen=True, slots=True)
class Person:
    """An owner to filter by."""

    id: UUID
    name: str


class JobRepository:
    """Runs and their files. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # Submitting

    def add_batch(self, *, owner_id: UUID, name: str, tool: str, params: dict[str, Any]) -> Batch:
        """A group for jobs that are submitted together."""
        batch = Batch(owner_id=owner_id, name=name, tool=tool, params=params)
        self._session.add(batch)
        self._session.flush()
        return batch

    def add(self, new: NewJob) -> Job:
        """A queued run with its inputs, whose blobs must exist; titled after its first file."""
        job = Job(
            id=new_id(),
            owner_id=new.owner_id,
            tool=new.tool,
            model=new.method,
            params=new.params,
            params_version=new.params_version,
            lane=new.lane,
            batch_id=new.batch.id if new.batch else None,
            parent_id=new.parent_id,
            origin=new.origin,
            visibility=new.visibility,
            priority=new.priority,
            title=new.inputs[0].file_name if new.inputs else "",
            tags=[],
            note="",
            inputs=[
                JobInput(
                    role=item.role,
                    blob_sha256=item.blob_sha256,
                    file_name=item.file_name,
                    position=item.position,
                )
                for item in new.inputs
            ],
        )
        job.search_text = _search_text(job, new.batch.name if new.batch else "")
        self._session.add(job)
        self._session.flush()
        return job

    # Finding

    def get(self, actor: Actor, job_id: UUID) -> Job | None:
        """A visible run with owner, inputs, outputs and their blobs; also from the trash."""
        statement = visible_jobs(actor, Trash.INCLUDED).where(Job.id == job_id)
        return self._session.scalar(statement.options(joinedload(Job.owner), *_files()))

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

    def count(self, actor: Actor, filters: JobFilters | None = None, cap: int = 1000) -> Count:
        """How many visible runs match, looking no further than ``cap``."""
        matching = select_matching(actor, filters or JobFilters()).order_by(Job.id.desc())
        first = matching.limit(cap + 1).subquery()
        found = self._session.scalar(select(func.count()).select_from(first)) or 0
        return Count(min(found, cap), found <= cap)

    def children(self, actor: Actor, job_id: UUID) -> Sequence[JobRow]:
        """Visible runs that were made from this one, newest first."""
        return self._rows(
            visible_jobs(actor).with_only_columns(Job.id).where(Job.parent_id == job_id)
        )

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

    def find_output(
        self,
        actor: Actor,
        input_sha256: str,
        role: str,
        *,
        method: str,
        tool_version: int | None = None,
        params: Mapping[str, Any] | None = None,
        weights_sha256: str | None = None,
    ) -> FoundOutput | None:
        """The newest visible ``role`` that ``method`` made of this very picture.

        With ``tool_version``, ``params`` or ``weights_sha256``, only one whose run was of this
        version, had these values, or was made with these weights.
        """
        statement = (
            visible_jobs(actor)
            .with_only_columns(Job.id, JobOutput.file_name, Blob)
            .join(JobInput, JobInput.job_id == Job.id)
            .join(JobOutput, JobOutput.job_id == Job.id)
            .join(Blob, Blob.sha256 == JobOutput.blob_sha256)
            .where(
                JobInput.blob_sha256 == input_sha256,
                JobInput.role == "image",
                JobOutput.role == role,
                Job.model == method,
                Job.state == JobState.SUCCEEDED,
            )
            .order_by(Job.id.desc())
            .limit(1)
        )
        if weights_sha256 is not None:
            used = Job.record["weights"][0]["sha256"].as_string()
            statement = statement.where(used == weights_sha256)
        if tool_version is not None:
            made_by = Job.record["tool_version"].as_integer()
            statement = statement.where(made_by == tool_version)
        for name, value in (params or {}).items():
            statement = statement.where(_param(name, value))
        found = self._session.execute(statement).one_or_none()
        return FoundOutput(*found) if found else None

    def find_run(self, actor: Actor, tool: str, input_sha256: str) -> Job | None:
        """The newest visible run of ``tool`` on this very picture, with its files."""
        return next(iter(self.find_runs(actor, tool, input_sha256, limit=1)), None)

    def find_runs(self, actor: Actor, tool: str, input_sha256: str, limit: int) -> Sequence[Job]:
        """Visible runs of ``tool`` on this very picture with their files, the newest first."""
        statement = (
            visible_jobs(actor)
            .join(JobInput, JobInput.job_id == Job.id)
            .where(JobInput.blob_sha256 == input_sha256, JobInput.role == "image", Job.tool == tool)
            .order_by(Job.id.desc())
            .limit(limit)
        )
        return self._session.scalars(statement.options(joinedload(Job.owner), *_files())).all()

    def timings(self, tool: str, model: str, limit: int = 50) -> Sequence[Timing]:
        """How long the newest finished runs took, whoever's they were; names nobody."""
        statement = (
            select(Job.record, Job.params)
            .where(Job.tool == tool, Job.model == model, Job.state == JobState.SUCCEEDED)
            .order_by(Job.id.desc())
            .limit(limit)
        )
        return [
            Timing(
                seconds=record["seconds"],
                input_megapixels=record["input_megapixels"],
                params=params,
                used_model=bool(record["weights"]),
            )
            for record, params in self._session.execute(statement)
        ]

    # Describing

    def set_starred(self, actor: Actor, job_id: UUID, starred: bool) -> bool:
        """Mark a favourite. Returns whether the actor could: its owner and admins can."""
        return self._update(actor, job_id, Trash.INCLUDED, starred=starred)

    def set_note(self, actor: Actor, job_id: UUID, note: str) -> bool:
        """Write what is worth remembering. Returns whether the actor could."""
        return self._describe(actor, job_id, note=note.strip())

    def set_tags(self, actor: Actor, job_id: UUID, tags: Sequence[str]) -> bool:
        """Replace the tags; blanks and repetitions are dropped. Returns whether the actor could."""
        clean = dict.fromkeys(tag.strip() for tag in tags if tag.strip())
        return self._describe(actor, job_id, tags=list(clean))

    # Throwing away

    def trash(self, actor: Actor, job_id: UUID) -> bool:
        """Put a finished run in the trash. False when it is not the actor's, or not finished."""
        return self._update(actor, job_id, Trash.HIDDEN, _TERMINAL, deleted_at=utc_now())

    def restore(self, actor: Actor, job_id: UUID) -> bool:
        """Take a run out of the trash. False when it is not there, or not the actor's."""
        return self._update(actor, job_id, Trash.ONLY, deleted_at=None)

    def purge_trash(self, before: datetime) -> int:
        """Delete for good what went into the trash before then; for maintenance.

        Returns how many runs went. Their blobs stay until ``BlobRepository.forget``.
        """
        doomed = delete(Job).where(Job.deleted_at < before, Job.state.in_(_TERMINAL))
        return len(self._session.scalars(doomed.returning(Job.id)).all())

    def _rows(self, ids: Select[UUID]) -> list[JobRow]:
        found = self._session.execute(select_rows(ids.subquery()))
        return [JobRow(**row) for row in found.mappings()]

    def _newer_page(self, actor: Actor, filters: JobFilters, limit: int, start: Cursor) -> JobPage:
        newer = select_matching(actor, filters).where(Job.id > start.job_id)
        rows = self._rows(newer.order_by(Job.id).limit(limit + 1))
        if len(rows) <= limit:  # the first page: from its very start, and full
            return self.page(actor, filters, limit)
        return _page(rows[1:], has_older=True, has_newer=True)

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

    def _describe(
        self,
        actor: Actor,
        job_id: UUID,
        **values: Any,  # noqa: ANN401 — columns of Job
    ) -> bool:
        visible = visible_jobs(actor, Trash.INCLUDED).where(Job.id == job_id, may_change(actor))
        job = self._session.scalar(visible.with_for_update())
        if job is None:
            return False
        for name, value in values.items():
            setattr(job, name, value)
        batch = self._session.get(Batch, job.batch_id) if job.batch_id else None
        job.search_text = _search_text(job, batch.name if batch else "")
        self._session.flush()
        return True


def _param(name: str, value: str | int | None) -> ColumnElement[bool]:
    """Whether a run had this value; values that JSON writes as objects are not compared."""
    stored = Job.params[name]
    typed = stored.as_integer() if isinstance(value, int) else stored.as_string()
    has_value: ColumnElement[bool] = typed.is_(None) if value is None else typed == value
    return has_value


def _files() -> tuple[ExecutableOption, ...]:
    return (
        selectinload(Job.inputs).joinedload(JobInput.blob),
        selectinload(Job.outputs).joinedload(JobOutput.blob),
    )


def _page(rows: list[JobRow], *, has_older: bool, has_newer: bool) -> JobPage:
    older = str(Cursor(rows[-1].id, is_towards_newer=False)) if rows and has_older else None
    newer = str(Cursor(rows[0].id, is_towards_newer=True)) if rows and has_newer else None
    return JobPage(rows, next_cursor=older, previous_cursor=newer)


def _search_text(job: Job, batch_name: str) -> str:
    words = " ".join((job.title, job.model, batch_name, *job.tags, job.note))
    return words.casefold()[:SEARCH_TEXT_CHARS]
