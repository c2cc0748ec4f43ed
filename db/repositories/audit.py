"""Who did what to what. Entries are added and read, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import AuditEntry, User
from db.types import storable


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry as lists show it. ``actor_name`` is none for what the studio did by itself."""

    id: UUID
    at: datetime
    actor_name: str | None
    ip: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditRepository:
    """The audit trail. Flushes, never commits: an entry stands or falls with its deed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(
        self,
        actor_id: UUID | None,
        action: str,
        subject: str = "",
        *,
        detail: dict[str, Any] | None = None,
        ip: str = "",
    ) -> None:
        """Add an entry; ``action`` reads ``noun.verb``, as in ``user.disable``."""
        self._session.add(
            AuditEntry(
                actor_id=actor_id,
                action=action,
                subject=storable(subject, 128),
                detail=detail or {},
                ip=storable(ip, 64),
            )
        )
        self._session.flush()

    def has_done(self, actor_id: UUID, action: str) -> bool:
        """Whether the person ever did this."""
        done = exists().where(AuditEntry.actor_id == actor_id, AuditEntry.action == action)
        return bool(self._session.scalar(select(done)))

    def has_happened(self, action: str, subject: str, *, ip: str, since: datetime) -> bool:
        """Whether this was recorded from this address since then."""
        found = exists().where(
            AuditEntry.at >= since,
            AuditEntry.action == action,
            AuditEntry.subject == subject[:128],
            AuditEntry.ip == ip[:64],
        )
        return bool(self._session.scalar(select(found)))

    def page(
        self, actor: Actor, limit: int = 100, before: UUID | None = None
    ) -> Sequence[AuditRow]:
        """Newest first, older than entry ``before``: all to admins, to others their own."""
        statement = (
            select(
                AuditEntry.id,
                AuditEntry.at,
                User.name,
                AuditEntry.ip,
                AuditEntry.action,
                AuditEntry.subject,
                AuditEntry.detail,
            )
            .outerjoin(User, User.id == AuditEntry.actor_id)
            .order_by(AuditEntry.id.desc())
            .limit(limit)
        )
        if not actor.is_admin:
            statement = statement.where(AuditEntry.actor_id == actor.id)
        if before is not None:
            statement = statement.where(AuditEntry.id < before)
        return [AuditRow(*entry) for entry in self._session.execute(statement)]
