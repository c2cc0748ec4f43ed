"""The history as data: what to look for, one line of it, one page of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, func, select

from db.actor import Actor
from db.errors import InvalidCursorError
from db.models import SEARCH_TEXT_CHARS, Job, JobInput, JobOutput, User
from db.repositories.visibility import Trash, visible_jobs
from db.states import JobState
from db.types import RESULT_ROLE, Lane, Visibility
from studio.words import Message

_MAX_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilters:
    """What the history shows; the default is everything that is not in the trash.

    Attributes:
        since: first instant of ``queued_at`` that is shown.
        until: first instant that is no longer shown.
        text: every word must occur in the file name, model, batch, tags or note.
        without_tools: left out, unless ``tool`` asks for one of them.
        trashed: show the trash instead of the live runs.

    """

    tool: str | None = None
    owner_id: UUID | None = None
    state: JobState | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    starred: bool = False
    trashed: bool = False
    batch_id: UUID | None = None
    without_tools: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One run as lists show it, without its wide JSON."""

    id: UUID
    title: str
    tool: str
    model: str
    lane: Lane
    state: JobState
    owner_id: UUID
    owner_name: str
    visibility: Visibility
    batch_id: UUID | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    progress: float
    stage: str
    cancel_requested: bool
    error_code: str | None
    error_message: Message | None
    starred: bool
    deleted_at: datetime | None
    preview_sha256: str | None
    """Picture that stands for the run: its result, or its input before there is one."""

    @property
    def seconds(self) -> float | None:
        """Start to finish; none while it runs, or when it never started."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page, newest first, and the cursors of its neighbours."""

    rows: Sequence[JobRow]
    next_cursor: str | None
    """Leads to older runs."""
    previous_cursor: str | None
    """Leads to newer runs."""


class Count(NamedTuple):
    """How many runs match, counted up to a cap so that it stays quick."""

    value: int
    is_exact: bool

    def __str__(self) -> str:
        return f"{self.value:,}" if self.is_exact else f"{self.value:,}+"


class Cursor(NamedTuple):
    """A place in the history: the runs on one side of ``job_id``."""

    job_id: UUID
    is_towards_newer: bool

    def __str__(self) -> str:
        return f"{'newer' if self.is_towards_newer else 'older'}-{self.job_id.hex}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what ``str`` wrote.

        Raises:
            InvalidCursorError: it is something else.

        """
        direction, _, job_id = text.partition("-")
        if direction not in ("newer", "older"):
            raise InvalidCursorError
        try:
            return cls(UUID(hex=job_id), direction == "newer")
        except ValueError as error:
            raise InvalidCursorError from error


def select_matching(actor: Actor, filters: JobFilters) -> Select[UUID]:
    """Ids of the visible runs that match, without those that are steps of another.

    Reads nothing but the covering index.
    """
    trash = Trash.ONLY if filters.trashed else Trash.HIDDEN
    visible = visible_jobs(actor, trash).with_only_columns(Job.id)
    return visible.where(Job.serves_id.is_(None), *_conditions(filters))


def _conditions(filters: JobFilters) -> list[ColumnElement[bool]]:
    equal = {
        Job.tool: filters.tool,
        Job.owner_id: filters.owner_id,
        Job.state: filters.state,
        Job.batch_id: filters.batch_id,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if filters.since is not None:
        conditions.append(Job.queued_at >= filters.since)
    if filters.until is not None:
        conditions.append(Job.queued_at < filters.until)
    if filters.without_tools and filters.tool is None:
        conditions.append(Job.tool.not_in(filters.without_tools))
    if filters.starred:
        conditions.append(Job.starred.is_(True))
    words = filters.text.casefold()[:SEARCH_TEXT_CHARS].split()[:_MAX_WORDS]
    return conditions + [Job.search_text.contains(word, autoescape=True) for word in words]


def search_text(*words: str) -> str:
    """What a search looks through, of the words that a run is found by."""
    return " ".join(words).casefold()[:SEARCH_TEXT_CHARS]


def select_rows(ids: Subquery) -> Select[*tuple[Any, ...]]:
    """The columns of ``JobRow`` for the runs whose ids the subquery gives, newest first."""
    result = (
        select(JobOutput.blob_sha256)
        .where(JobOutput.job_id == Job.id, JobOutput.role == RESULT_ROLE, JobOutput.position == 0)
        .scalar_subquery()
    )
    source = (
        select(JobInput.blob_sha256)
        .where(JobInput.job_id == Job.id, JobInput.role == Job.main_role, JobInput.position == 0)
        .scalar_subquery()
    )
    return (
        select(
            Job.id,
            Job.title,
            Job.tool,
            Job.model,
            Job.lane,
            Job.state,
            Job.owner_id,
            User.name.label("owner_name"),
            Job.visibility,
            Job.batch_id,
            Job.queued_at,
            Job.started_at,
            Job.finished_at,
            Job.not_before,
            Job.progress,
            Job.stage,
            Job.cancel_requested,
            Job.error_code,
            Job.error_message,
            Job.starred,
            Job.deleted_at,
            func.coalesce(result, source).label("preview_sha256"),
        )
        .join(ids, ids.c.id == Job.id)
        .join(User, User.id == Job.owner_id)
        .order_by(ids.c.id.desc())  # by the subquery's, so that SQLite starts from it
    )
