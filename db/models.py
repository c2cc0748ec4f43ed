"""The record: every table of the studio, in SQLAlchemy 2 typed style.

Relationships raise on lazy access, so each query says what it loads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from db.states import JobState
from db.types import Lane, Origin, Role, UtcDateTime, Visibility, enum_column, new_id, utc_now


class Base(DeclarativeBase):
    """Declarative base with named constraints, so that migrations can alter them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 — SQLAlchemy reads it as a class attribute
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[dict[str, Any]]: JSON(),
        Role: enum_column(Role),
        Visibility: enum_column(Visibility),
        Lane: enum_column(Lane),
        Origin: enum_column(Origin),
        JobState: enum_column(JobState),
    }


class User(Base):
    """A person with an account."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64), unique=True, comment="lower case, for sign-in")
    role: Mapped[Role] = mapped_column(default=Role.MEMBER)
    password_hash: Mapped[str] = mapped_column(String(255), comment="argon2id")
    must_change_password: Mapped[bool] = mapped_column(
        default=False, comment="a one-time password is in force"
    )
    locale: Mapped[str] = mapped_column(String(16), default="en")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class UserSession(Base):
    """A signed-in browser. Only the hash of the cookie's token is kept."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True, comment="SHA-256")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(255), default="")
    user: Mapped[User] = relationship(lazy="raise")


class SignInFailure(Base):
    """A failed sign-in, kept as long as the rate limit looks back."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index(None, "name", "at"), Index(None, "ip", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64))
    ip: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=utc_now)


class ApiToken(Base):
    """A key for scripts. The prefix is shown, the rest is hashed."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    prefix: Mapped[str] = mapped_column(String(12))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True, comment="SHA-256")
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what to what, when, and from where. Never updated, never deleted."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at"), Index(None, "actor_id", "action"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    ip: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Blob(Base):
    """A stored file, named by its content: same bytes, one row, one file."""

    __tablename__ = "blobs"
    __table_args__ = (CheckConstraint("size_bytes > 0", "size_positive"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(64))
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Batch(Base):
    """Several jobs submitted together; each item stands and fails by itself."""

    __tablename__ = "batches"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    tool: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


SEARCH_TEXT_CHARS = 400
_FILTERED_BY = (
    "visibility",
    "deleted_at",
    "tool",
    "state",
    "starred",
    "queued_at",
    "search_text",
)


class Job(Base):
    """A run. The row is the truth and the run record; it outlives queue, worker and files."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("attempt >= 0", "attempt_not_negative"),
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
        # Rows are wide with JSON. These two hold every column the history filters by, so
        # that even a search without a match reads the index alone and never the rows.
        Index("ix_jobs_history", "id", "owner_id", *_FILTERED_BY),
        Index("ix_jobs_owner_history", "owner_id", "id", *_FILTERED_BY),
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
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("batches.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    origin: Mapped[Origin | None] = mapped_column(comment="why there is a parent")
    tool: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(
        String(64), default="", comment="the params' method, for timings and re-used outputs"
    )
    params: Mapped[dict[str, Any]]
    params_version: Mapped[int]
    title: Mapped[str] = mapped_column(String(255), default="", comment="first input's file name")

    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    lane: Mapped[Lane]
    priority: Mapped[int] = mapped_column(default=0, comment="among this owner's own jobs")
    attempt: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(128), comment="who holds the lease")
    lease_expires_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(default=0.0, comment="0 to 1")
    stage: Mapped[str] = mapped_column(String(16), default="")
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
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
    sensitivity: Mapped[str] = mapped_column(String(16), default="normal")
    starred: Mapped[bool] = mapped_column(default=False)
    tags: Mapped[list[str]] = mapped_column(default=list)
    note: Mapped[str] = mapped_column(Text, default="")
    deleted_at: Mapped[datetime | None] = mapped_column(comment="in the trash since")
    search_text: Mapped[str] = mapped_column(
        String(SEARCH_TEXT_CHARS),
        default="",
        comment="title, model, batch, tags, note; case-folded",
    )

    owner: Mapped[User] = relationship(lazy="raise")
    inputs: Mapped[list[JobInput]] = relationship(
        lazy="raise", order_by="JobInput.position", cascade="all, delete-orphan"
    )
    outputs: Mapped[list[JobOutput]] = relationship(
        lazy="raise", order_by="JobOutput.position", cascade="all, delete-orphan"
    )


Index(  # stands outside of the class to name a column's order, which a string cannot
    "ix_jobs_claim",
    Job.lane,
    Job.owner_id,
    Job.priority.desc(),
    Job.id,
    sqlite_where=text("state = 'queued'"),
    postgresql_where=text("state = 'queued'"),
)


class JobInput(Base):
    """A file a job reads, in its role."""

    __tablename__ = "job_inputs"
    __table_args__ = (UniqueConstraint("job_id", "role", "position"), Index(None, "blob_sha256"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(
        String(16), comment="image, mask, alpha, background, source, target or style"
    )
    position: Mapped[int] = mapped_column(default=0)
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    file_name: Mapped[str] = mapped_column(String(255))
    blob: Mapped[Blob] = relationship(lazy="raise")


class JobOutput(Base):
    """A file a job made, in its role. A job's outputs are written once, when it finishes."""

    __tablename__ = "job_outputs"
    __table_args__ = (UniqueConstraint("job_id", "role", "position"), Index(None, "blob_sha256"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(16), comment="image, alpha, mask, preview or log")
    position: Mapped[int] = mapped_column(default=0)
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    file_name: Mapped[str] = mapped_column(String(255))
    blob: Mapped[Blob] = relationship(lazy="raise")


class Drawing(Base):
    """A painted mask as re-editable JSON, with the size of the picture it was painted on.

    The one without a name is what its owner is painting on that picture right now.
    """

    __tablename__ = "drawings"
    __table_args__ = (
        UniqueConstraint("owner_id", "blob_sha256", "name"),
        Index(None, "blob_sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    name: Mapped[str] = mapped_column(String(100), default="")
    canvas: Mapped[dict[str, Any]]
    previous_canvas: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what the canvas held before strokes vanished from it at once"
    )
    canvas_width_px: Mapped[int]
    canvas_height_px: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class SavedFace(Base):
    """A face that its owner keeps for later swaps. Private: nobody else sees it, admins too."""

    __tablename__ = "saved_faces"
    __table_args__ = (Index(None, "owner_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    file_name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    blob: Mapped[Blob] = relationship(lazy="raise")


class ToolSwitch(Base):
    """A tool that an admin has switched; one without a row is on."""

    __tablename__ = "tool_switches"

    tool: Mapped[str] = mapped_column(String(32), primary_key=True)
    is_on: Mapped[bool]
    changed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class FairShare(Base):
    """How much of a lane a user holds: derived data that the claim keeps, rebuilt at start."""

    __tablename__ = "fair_shares"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    lane: Mapped[Lane] = mapped_column(primary_key=True)
    queued: Mapped[int] = mapped_column(default=0)
    running: Mapped[int] = mapped_column(default=0)
    served_at: Mapped[datetime | None] = mapped_column(comment="last claim; never served is first")


class Worker(Base):
    """A worker process tree that has reported for duty, as its parent last saw it."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(128), primary_key=True, comment="lane@host")
    lanes: Mapped[list[str]]
    slots: Mapped[int] = mapped_column(comment="jobs it can run at once")
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(index=True)
