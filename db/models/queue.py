"""Who works, and whose turn it is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base
from db.types import BoundedText, Lane, utc_now


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

    name: Mapped[str] = mapped_column(BoundedText(128), primary_key=True, comment="lane@host:pid")
    lanes: Mapped[list[str]]
    slots: Mapped[int] = mapped_column(comment="jobs it can run at once")
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(index=True)
    heard_at: Mapped[datetime] = mapped_column(
        default=utc_now, comment="when it last took a token, or none was to be had"
    )


class Pulse(Base):
    """The one row that shows since when workers have reached the database without a break.

    After a break (database away, machine asleep, clock set) every lease looks expired, so
    nobody's silence is believed until its worker has had a whole lease to speak again.
    """

    __tablename__ = "pulse"
    __table_args__ = (CheckConstraint("id = 1", "only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    beat_at: Mapped[datetime]
    unbroken_since: Mapped[datetime]
