"""Runs: the row of each, what it reads, needs and makes, and the batch it may be part of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import ONLY_ON, Base
from db.models.files import Blob
from db.models.people import User
from db.states import JobState
from db.types import (
    BoundedText,
    Lane,
    Origin,
    Prose,
    Sentence,
    Visibility,
    new_id,
    utc_now,
)
from studio.words import Message

SEARCH_TEXT_CHARS = 400
_FILTERED_BY = (
    "visibility",
    "deleted_at",
    "tool",
    "state",
    "starred",
    "queued_at",
    "serves_id",
    "search_text",
)


class Batch(Base):
    """Several jobs submitted together; each item stands and fails by itself."""

    __tablename__ = "batches"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(BoundedText(200), default="")
    tool: Mapped[str] = mapped_column(BoundedText(32))
    params: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    paused_at: Mapped[datetime | None] = mapped_column(comment="its jobs wait, save running ones")


class Job(Base):
    """A run. The row is the truth and the run record; it outlives queue, worker and files."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("attempt >= 0", "attempt_not_negative"),
        CheckConstraint(
            "attempts_spent >= 0 AND attempts_spent <= attempt", "attempts_spent_were_made"
        ),
        CheckConstraint("progress >= 0 AND progress <= 1", "progress_is_a_fraction"),
        CheckConstraint(
            "(state = 'running') = (lease_expires_at IS NOT NULL)", "only_running_jobs_are_leased"
        ),
        Index(
            "ix_jobs_lease",
            "lease_expires_at",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index(
            "ix_jobs_not_before",
            "not_before",
            sqlite_where=text("state = 'queued' AND not_before IS NOT NULL"),
            postgresql_where=text("state = 'queued' AND not_before IS NOT NULL"),
        ),
        # Rows are wide with JSON. These two hold every column the history filters by, so
        # that even a search without a match reads the index alone and never the rows.
        Index("ix_jobs_history", "id", "owner_id", *_FILTERED_BY),
        Index("ix_jobs_owner_history", "owner_id", "id", *_FILTERED_BY),
        # A word that few runs have, or none, without reading a million entries of the above.
        Index(
            "ix_jobs_search_trigrams",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            info={ONLY_ON: "postgresql"},
        ),
        Index(
            "ix_jobs_timings",
            "model",
            "tool",
            "id",
            sqlite_where=text("state = 'succeeded'"),
            postgresql_where=text("state = 'succeeded'"),
        ),
        Index(
            "ix_jobs_trash",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        Index(
            None,
            "batch_id",
            "id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
        Index(
            None,
            "parent_id",
            sqlite_where=text("parent_id IS NOT NULL"),
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
        Index(
            None,
            "serves_id",
            sqlite_where=text("serves_id IS NOT NULL"),
            postgresql_where=text("serves_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batches.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    origin: Mapped[Origin | None] = mapped_column(comment="why there is a parent")
    serves_id: Mapped[UUID | None] = mapped_column(
        # Deferred: a step and the run that it serves name each other.
        ForeignKey("jobs.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        comment="the run this is a step of; lists leave it out",
    )
    tool: Mapped[str] = mapped_column(BoundedText(32))
    model: Mapped[str] = mapped_column(
        BoundedText(64), default="", comment="the params' method, for timings and re-used outputs"
    )
    params: Mapped[dict[str, Any]]
    params_version: Mapped[int]
    main_role: Mapped[str] = mapped_column(
        BoundedText(16), comment="of the input that it works on and is named after"
    )
    title: Mapped[str] = mapped_column(
        BoundedText(255), default="", comment="first input's file name"
    )

    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    lane: Mapped[Lane]
    priority: Mapped[int] = mapped_column(default=0, comment="among this owner's own jobs")
    attempt: Mapped[int] = mapped_column(default=0, comment="claims so far; fences every write")
    attempts_spent: Mapped[int] = mapped_column(
        default=0, comment="those that the job itself may have ended; the limit counts these"
    )
    not_before: Mapped[datetime | None] = mapped_column(
        comment="a queued job rests until then; cleared, and only then counted, when it is due"
    )
    worker: Mapped[str | None] = mapped_column(BoundedText(128), comment="who holds the lease")
    lease_expires_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(default=0.0, comment="0 to 1")
    stage: Mapped[str] = mapped_column(BoundedText(16), default="")
    error_code: Mapped[str | None] = mapped_column(BoundedText(64))
    error_message: Mapped[Message | None] = mapped_column(Sentence)
    error_regions: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, comment="parts of the main picture that the error speaks of"
    )
    queued_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    record: Mapped[dict[str, Any] | None] = mapped_column(
        comment="versions, weights, device, seconds, memory of the finished run"
    )

    visibility: Mapped[Visibility] = mapped_column(default=Visibility.TEAM)
    sensitivity: Mapped[str] = mapped_column(BoundedText(16), default="normal")
    starred: Mapped[bool] = mapped_column(default=False)
    tags: Mapped[list[str]] = mapped_column(default=list)
    note: Mapped[str] = mapped_column(Prose, default="")
    deleted_at: Mapped[datetime | None] = mapped_column(comment="in the trash since")
    search_text: Mapped[str] = mapped_column(
        BoundedText(SEARCH_TEXT_CHARS),
        default="",
        comment="title, model, batch, tags, note; case-folded",
    )

    owner: Mapped[User] = relationship(lazy="raise")
    inputs: Mapped[list[JobInput]] = relationship(
        lazy="raise", order_by="JobInput.position", cascade="all, delete-orphan"
    )
    outputs: Mapped[list[JobOutput]] = relationship(
        lazy="raise", order_by="JobOutput.id", cascade="all, delete-orphan"
    )


Index(  # stands outside of the class to name a column's order, which a string cannot
    "ix_jobs_claim",
    Job.lane,
    Job.owner_id,
    Job.priority.desc(),
    Job.id,
    sqlite_where=text("state = 'queued' AND not_before IS NULL"),
    postgresql_where=text("state = 'queued' AND not_before IS NULL"),
)


class JobInput(Base):
    """A file a job reads, in its role."""

    __tablename__ = "job_inputs"
    __table_args__ = (UniqueConstraint("job_id", "role", "position"), Index(None, "blob_sha256"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(BoundedText(16), comment="as its tool names it")
    position: Mapped[int] = mapped_column(default=0)
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    file_name: Mapped[str] = mapped_column(BoundedText(255))
    is_taken_over: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="nobody gave it: an earlier run made it, without having been given one",
    )
    blob: Mapped[Blob] = relationship(lazy="raise")


class JobNeed(Base):
    """An output that a job waits for, and the input that it becomes.

    Open until the other job succeeds: then a row of ``job_inputs`` with this id is made of it.
    """

    __tablename__ = "job_needs"
    __table_args__ = (
        UniqueConstraint("job_id", "role", "position"),
        Index(None, "needed_id"),
        Index(
            "ix_job_needs_open",
            "job_id",
            sqlite_where=text("is_open"),
            postgresql_where=text("is_open"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    needed_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("jobs.id", ondelete="SET NULL"), comment="none once that run was purged"
    )
    output_role: Mapped[str] = mapped_column(BoundedText(16))
    output_position: Mapped[int] = mapped_column(default=0, comment="among outputs of that role")
    role: Mapped[str] = mapped_column(BoundedText(16), comment="of the input")
    position: Mapped[int] = mapped_column(default=0)
    is_open: Mapped[bool] = mapped_column(default=True)


class JobOutput(Base):
    """A file a job made, in its role. A job's outputs are written once, when it finishes."""

    __tablename__ = "job_outputs"
    __table_args__ = (
        UniqueConstraint("job_id", "role", "position"),
        Index(None, "blob_sha256"),
        Index(
            None,
            "reuse_key",
            sqlite_where=text("reuse_key IS NOT NULL"),
            postgresql_where=text("reuse_key IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(BoundedText(16), comment="as its tool names it")
    position: Mapped[int] = mapped_column(default=0, comment="among outputs of this role")
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    file_name: Mapped[str] = mapped_column(BoundedText(255))
    reuse_key: Mapped[str | None] = mapped_column(
        BoundedText(64), comment="SHA-256 of all that decided it, where other runs may take it over"
    )
    blob: Mapped[Blob] = relationship(lazy="raise")
