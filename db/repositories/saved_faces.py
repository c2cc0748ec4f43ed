"""Faces that people keep for later swaps: each sees their own, and nobody else's, admins too."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from db.actor import Actor
from db.models import SavedFace


class SavedFaceRepository:
    """A person's own faces. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, actor: Actor, name: str, *, blob_sha256: str, file_name: str) -> SavedFace:
        """Keep a stored picture, which the actor must have given, under a name."""
        face = SavedFace(owner_id=actor.id, name=name, blob_sha256=blob_sha256, file_name=file_name)
        self._session.add(face)
        self._session.flush()
        return face

    def of(self, actor: Actor) -> Sequence[SavedFace]:
        """The actor's faces with their blobs, the newest first."""
        return self._session.scalars(
            select(SavedFace)
            .where(SavedFace.owner_id == actor.id)
            .order_by(SavedFace.created_at.desc(), SavedFace.id.desc())
            .options(joinedload(SavedFace.blob))
        ).all()

    def count(self, actor: Actor) -> int:
        """How many faces the actor has."""
        own = SavedFace.owner_id == actor.id
        return self._session.scalars(select(func.count()).select_from(SavedFace).where(own)).one()

    def get(self, actor: Actor, face_id: UUID) -> SavedFace | None:
        """One of the actor's faces with its blob."""
        return self._session.scalar(
            select(SavedFace)
            .where(SavedFace.id == face_id, SavedFace.owner_id == actor.id)
            .options(joinedload(SavedFace.blob))
        )

    def remove(self, actor: Actor, face_id: UUID) -> bool:
        """Forget one of the actor's faces. Returns whether it was there."""
        doomed = delete(SavedFace).where(SavedFace.id == face_id, SavedFace.owner_id == actor.id)
        return self._session.scalar(doomed.returning(SavedFace.id)) is not None
