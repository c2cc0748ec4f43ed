"""Rows of stored files: which there are, who may read them, which nobody needs any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload

from db.actor import Actor
from db.models import Blob, Drawing, Job, JobInput, JobOutput, SavedFace, TrayFile
from db.repositories.dialect import is_postgresql
from db.repositories.visibility import Trash, visible_jobs
from db.types import utc_now


class BlobRepository:
    """Blobs by SHA-256. Flushes, never commits; knows nothing of where the bytes lie."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ensure(
        self,
        sha256: str,
        *,
        size_bytes: int,
        media_type: str,
        width_px: int | None = None,
        height_px: int | None = None,
    ) -> Blob:
        """The row of this content, new or not; counts as just created, so it is not swept."""
        dialect = postgresql if is_postgresql(self._session) else sqlite
        insert = dialect.insert(Blob).values(
            sha256=sha256,
            size_bytes=size_bytes,
            media_type=media_type,
            width_px=width_px,
            height_px=height_px,
            created_at=utc_now(),
        )
        upsert = insert.on_conflict_do_update(
            index_elements=[Blob.sha256], set_={"created_at": insert.excluded.created_at}
        )
        blob: Blob = self._session.scalars(
            upsert.returning(Blob), execution_options={"populate_existing": True}
        ).one()
        return blob

    def readable_by(self, actor: Actor, sha256: str) -> Blob | None:
        """The blob, when a run that the actor sees reads it or made it; also from the trash.

        Their own saved faces, and what lies in their trays, are theirs to see, too.
        """
        visible = visible_jobs(actor, Trash.INCLUDED).with_only_columns(Job.id)
        is_input = visible.join(JobInput, JobInput.job_id == Job.id).where(
            JobInput.blob_sha256 == Blob.sha256
        )
        is_output = visible.join(JobOutput, JobOutput.job_id == Job.id).where(
            JobOutput.blob_sha256 == Blob.sha256
        )
        is_own_face = exists().where(
            SavedFace.blob_sha256 == Blob.sha256, SavedFace.owner_id == actor.id
        )
        is_in_own_tray = exists().where(
            TrayFile.blob_sha256 == Blob.sha256, TrayFile.owner_id == actor.id
        )
        return self._session.scalar(
            select(Blob).where(
                Blob.sha256 == sha256,
                or_(is_input.exists(), is_output.exists(), is_own_face, is_in_own_tray),
            )
        )

    def file_readable_by(self, actor: Actor, file_id: UUID) -> JobInput | JobOutput | None:
        """The input or output with this id and its blob, when the actor sees its run."""
        visible = visible_jobs(actor, Trash.INCLUDED).with_only_columns(Job.id)
        output = (
            select(JobOutput)
            .where(JobOutput.id == file_id, JobOutput.job_id.in_(visible))
            .options(joinedload(JobOutput.blob))
        )
        input_ = (
            select(JobInput)
            .where(JobInput.id == file_id, JobInput.job_id.in_(visible))
            .options(joinedload(JobInput.blob))
        )
        return self._session.scalar(output) or self._session.scalar(input_)

    def known(self, digests: Collection[str]) -> set[str]:
        """Which of these have a row; a stored file without one is an orphan."""
        return set(self._session.scalars(select(Blob.sha256).where(Blob.sha256.in_(digests))))

    def hold(self, digests: Collection[str]) -> set[str]:
        """As :meth:`known`; nobody forgets them before this transaction has named them."""
        held = select(Blob.sha256).where(Blob.sha256.in_(digests))
        return set(self._session.scalars(held.with_for_update(read=True, key_share=True)))

    def unreferenced(
        self, created_before: datetime, *, after: str = "", limit: int = 1000
    ) -> Sequence[str]:
        """Digests that no run, drawing, saved face or tray needs, in their order.

        For maintenance, which goes on ``after`` the last: nothing is looked at twice.
        """
        return self._session.scalars(
            select(Blob.sha256)
            .where(Blob.sha256 > after, Blob.created_at < created_before, _is_unreferenced())
            .order_by(Blob.sha256)
            .limit(limit)
        ).all()

    def forget(self, digests: Collection[str], created_before: datetime) -> Sequence[str]:
        """Delete the rows of those that are still unreferenced and old; returns their digests.

        Delete their files only after this is committed.
        """
        # Whoever is about to name one holds it (``hold``); the others are looked at again only
        # once nobody else can.
        old = select(Blob.sha256).where(Blob.sha256.in_(digests), Blob.created_at < created_before)
        free = self._session.scalars(old.with_for_update(skip_locked=True)).all()
        doomed = delete(Blob).where(Blob.sha256.in_(free), _is_unreferenced())
        return self._session.scalars(doomed.returning(Blob.sha256)).all()


def _is_unreferenced() -> ColumnElement[bool]:
    return ~or_(
        *(
            exists().where(table.blob_sha256 == Blob.sha256)
            for table in (JobInput, JobOutput, Drawing, SavedFace, TrayFile)
        )
    )
