"""People: their accounts, sign-ins and tokens, and what was done by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base
from db.types import BoundedText, Role, new_id, utc_now


class User(Base):
    """A person with an account."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(
        BoundedText(64), unique=True, comment="lower case, for sign-in"
    )
    role: Mapped[Role] = mapped_column(default=Role.MEMBER)
    password_hash: Mapped[str] = mapped_column(BoundedText(255), comment="argon2id")
    must_change_password: Mapped[bool] = mapped_column(
        default=False, comment="a one-time password is in force"
    )
    locale: Mapped[str | None] = mapped_column(
        BoundedText(16), comment="the language that they chose; none: as the browser says"
    )
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
    ip: Mapped[str] = mapped_column(BoundedText(64), default="")
    agent: Mapped[str] = mapped_column(BoundedText(255), default="")
    user: Mapped[User] = relationship(lazy="raise")


class SignInFailure(Base):
    """A failed sign-in, kept as long as the rate limit looks back."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index(None, "name", "at"), Index(None, "source", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(BoundedText(64))
    source: Mapped[str] = mapped_column(
        BoundedText(64), comment="an address, or a browser or session that is known"
    )
    at: Mapped[datetime] = mapped_column(default=utc_now)


class ApiToken(Base):
    """A key for scripts. The prefix is shown, the rest is hashed."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(BoundedText(64))
    prefix: Mapped[str] = mapped_column(BoundedText(12))
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
    ip: Mapped[str] = mapped_column(BoundedText(64), default="")
    action: Mapped[str] = mapped_column(BoundedText(64))
    subject: Mapped[str] = mapped_column(BoundedText(128), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ToolSwitch(Base):
    """A tool that an admin has switched; one without a row is on."""

    __tablename__ = "tool_switches"

    tool: Mapped[str] = mapped_column(BoundedText(32), primary_key=True)
    is_on: Mapped[bool]
    changed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
