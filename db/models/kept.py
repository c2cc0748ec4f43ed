"""What people keep beside their runs: drawings, faces, and what lies on a page."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base
from db.models.files import Blob
from db.types import BoundedText, JsonText, new_id, utc_now


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
    name: Mapped[str] = mapped_column(BoundedText(100), default="")
    canvas: Mapped[str] = mapped_column(JsonText())
    previous_canvas: Mapped[str | None] = mapped_column(
        JsonText(), comment="what the canvas held before strokes vanished from it at once"
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
    name: Mapped[str] = mapped_column(BoundedText(100))
    file_name: Mapped[str] = mapped_column(BoundedText(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    blob: Mapped[Blob] = relationship(lazy="raise")


class PageMemory(Base):
    """What a person last set on a tool's page, for when they come back to it."""

    __tablename__ = "page_memory"

    owner_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    tool: Mapped[str] = mapped_column(BoundedText(32), primary_key=True)
    params: Mapped[dict[str, Any]]
    params_version: Mapped[int]
    from_id: Mapped[UUID | None] = mapped_column(comment="the run that the options started from")
    is_private: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class TrayFile(Base):
    """A picture that lies on a person's page and has not been run yet, perhaps."""

    __tablename__ = "tray_files"
    __table_args__ = (Index(None, "owner_id", "tray", "position"), Index(None, "blob_sha256"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    tray: Mapped[str] = mapped_column(
        BoundedText(64), comment="the tool, and a role beside its main"
    )
    position: Mapped[int]
    blob_sha256: Mapped[str | None] = mapped_column(
        ForeignKey("blobs.sha256"), comment="none once it lay unused for too long"
    )
    file_name: Mapped[str] = mapped_column(BoundedText(255))
    kept_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    blob: Mapped[Blob | None] = relationship(lazy="raise")
