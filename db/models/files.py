"""Stored files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base
from db.types import BoundedText, utc_now


class Blob(Base):
    """A stored file, named by its content: same bytes, one row, one file."""

    __tablename__ = "blobs"
    __table_args__ = (CheckConstraint("size_bytes > 0", "size_positive"),)

    sha256: Mapped[str] = mapped_column(BoundedText(64), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(BoundedText(64))
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
