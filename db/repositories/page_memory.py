"""What people left on the pages of tools: their options, and the pictures in their trays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload

from db.actor import Actor
from db.models import PageMemory, TrayFile
from db.repositories.blobs import BlobRepository
from db.repositories.dialect import is_postgresql, lock_name, some
from db.types import utc_now


class PageMemoryRepository:
    """A person's own pages: nobody else sees them, admins too. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def options(self, actor: Actor, tool: str) -> PageMemory | None:
        """What the actor last set on the page of ``tool``."""
        return self._session.get(PageMemory, (actor.id, tool))

    def keep_options(
        self,
        actor: Actor,
        tool: str,
        params: Mapping[str, Any],
        params_version: int,
        *,
        from_id: UUID | None,
        is_private: bool,
    ) -> None:
        """Remember these in place of the last ones."""
        dialect = postgresql if is_postgresql(self._session) else sqlite
        what = {
            "params": dict(params),
            "params_version": params_version,
            "from_id": from_id,
            "is_private": is_private,
            "updated_at": utc_now(),
        }
        insert = dialect.insert(PageMemory).values(owner_id=actor.id, tool=tool, **what)
        self._session.execute(
            insert.on_conflict_do_update(
                index_elements=[PageMemory.owner_id, PageMemory.tool], set_=what
            )
        )

    def tray(self, actor: Actor, tray: str) -> Sequence[TrayFile]:
        """What lies in the actor's ``tray``, in order, with its blobs."""
        return self._session.scalars(
            select(TrayFile)
            .where(TrayFile.owner_id == actor.id, TrayFile.tray == tray)
            .order_by(TrayFile.position, TrayFile.id)
            .options(joinedload(TrayFile.blob))
        ).all()

    def keep_tray(self, actor: Actor, tray: str, files: Sequence[tuple[str, str]]) -> None:
        """Put ``files``, digest and name of each, in place of what lies in ``tray``.

        What is not stored any more is left out. Of two that do so at once, one follows the other:
        neither would delete what it cannot see yet.
        """
        lock_name(self._session, actor.id, tray)
        self._session.execute(
            delete(TrayFile).where(TrayFile.owner_id == actor.id, TrayFile.tray == tray)
        )
        known = BlobRepository(self._session).hold({sha256 for sha256, _ in files})
        self._session.add_all(
            TrayFile(
                owner_id=actor.id,
                tray=tray,
                position=position,
                blob_sha256=sha256,
                file_name=file_name,
            )
            for position, (sha256, file_name) in enumerate(files)
            if sha256 in known
        )
        self._session.flush()

    def release_trays(self, before: datetime, *, limit: int) -> int:
        """Let go of up to ``limit`` pictures that nobody has touched since; their names stay.

        For maintenance; returns how many.
        """
        lies_there = TrayFile.blob_sha256.is_not(None)
        old = some(limit, TrayFile.id, TrayFile.kept_at < before, lies_there)
        freed = update(TrayFile).where(*old).values(blob_sha256=None).returning(TrayFile.id)
        return len(self._session.scalars(freed).all())
