"""Painted masks: what each person paints on each picture, and what they keep under a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    TableValuedAlias,
    Text,
    cast,
    delete,
    func,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Blob, Drawing
from db.repositories.dialect import is_postgresql, some
from db.types import new_id, utc_now

MAX_KEPT = 100
"""Named drawings of one person: so many are listed, so no more may be kept."""
_IN_WORK = ""
"""The name of what is being painted."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A drawing as the text of its JSON, and the size of the picture it was painted on."""

    content: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class StrokeCount:
    """How much a drawing holds: all of its strokes, and those among them that erase nothing."""

    strokes: int
    painting: int


class DrawingRepository:
    """A person's own drawings: nobody else sees them, admins too. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def in_work(self, actor: Actor, blob_sha256: str) -> Drawing | None:
        """What the actor last painted on this picture."""
        return self._session.scalar(_of(actor, blob_sha256, _IN_WORK))

    def count_in_work(
        self, actor: Actor, blob_sha256s: Collection[str]
    ) -> Mapping[str, StrokeCount]:
        """How much the actor last painted on each of these pictures, where that is anything.

        The database counts: a tray of pictures may hold more strokes than a page could load.
        """
        strokes, erases = self._strokes()
        painting = func.count().filter(cast(erases, Text).in_(("0", "false")))
        rows = self._session.execute(
            select(Drawing.blob_sha256, func.count(), painting)
            .join(strokes, true())
            .where(
                Drawing.owner_id == actor.id,
                Drawing.name == _IN_WORK,
                Drawing.blob_sha256.in_(blob_sha256s),
            )
            .group_by(Drawing.blob_sha256)
        )
        return {sha256: StrokeCount(all_, painting) for sha256, all_, painting in rows}

    def _strokes(self) -> tuple[TableValuedAlias, ColumnElement[Any]]:
        """The strokes of each drawing as rows, and whether one erases."""
        if is_postgresql(self._session):
            listed = func.json_extract_path(Drawing.canvas, "strokes")
            strokes = func.json_array_elements(listed).table_valued("value")
            return strokes, func.json_extract_path_text(strokes.c.value, "erases")
        strokes = func.json_each(Drawing.canvas, "$.strokes").table_valued("value")
        return strokes, func.json_extract(strokes.c.value, "$.erases")

    def picture(self, actor: Actor, blob_sha256: str) -> Blob | None:
        """The stored picture, when the actor has a drawing of it."""
        return self._session.scalar(
            select(Blob)
            .join(Drawing, Drawing.blob_sha256 == Blob.sha256)
            .where(Drawing.owner_id == actor.id, Blob.sha256 == blob_sha256)
            .limit(1)
        )

    def open(self, actor: Actor, blob_sha256: str, empty: Canvas) -> Drawing:
        """What the actor last painted on this picture, or ``empty``; locked until the commit.

        So two tabs that save at once add to each other instead of overwriting each other.
        """
        return self._ensure(actor, blob_sha256, _IN_WORK, empty)

    def save(self, drawing: Drawing, canvas: Canvas, previous: str | None = None) -> None:
        """Write what is painted now, and what can be restored."""
        drawing.canvas = canvas.content
        drawing.canvas_width_px, drawing.canvas_height_px = canvas.width_px, canvas.height_px
        drawing.previous_canvas = previous
        self._session.flush()

    def forget_previous(self, actor: Actor, blob_sha256: str) -> None:
        """There is nothing to restore any more."""
        found = self.in_work(actor, blob_sha256)
        if found is not None:
            found.previous_canvas = None
            self._session.flush()

    def keep(self, actor: Actor, blob_sha256: str, name: str, canvas: Canvas) -> Drawing:
        """Keep a copy under a name, in place of one of that name on the same picture."""
        if not name.strip():
            raise ValueError("a kept drawing needs a name")
        drawing = self._ensure(actor, blob_sha256, name.strip(), canvas)
        self.save(drawing, canvas)
        return drawing

    def kept(self, actor: Actor) -> Sequence[Row[UUID, str]]:
        """Id and name of the actor's named drawings of all pictures, the last changed first."""
        return self._session.execute(
            select(Drawing.id, Drawing.name)
            .where(Drawing.owner_id == actor.id, Drawing.name != _IN_WORK)
            .order_by(Drawing.updated_at.desc(), Drawing.id.desc())
            .limit(MAX_KEPT)
        ).all()

    def is_kept(self, actor: Actor, blob_sha256: str, name: str) -> bool:
        """Whether the actor has a drawing of this name of this picture."""
        found = _of(actor, blob_sha256, name.strip()).with_only_columns(Drawing.id)
        return self._session.scalar(found) is not None

    def count_kept(self, actor: Actor) -> int:
        """How many named drawings the actor has."""
        own = (Drawing.owner_id == actor.id, Drawing.name != _IN_WORK)
        return self._session.scalars(select(func.count()).select_from(Drawing).where(*own)).one()

    def get(self, actor: Actor, drawing_id: UUID) -> Drawing | None:
        """One of the actor's drawings."""
        return self._session.scalar(
            select(Drawing).where(Drawing.id == drawing_id, Drawing.owner_id == actor.id)
        )

    def remove(self, actor: Actor, drawing_id: UUID) -> bool:
        """Forget one of the actor's drawings. Returns whether it was there."""
        doomed = delete(Drawing).where(Drawing.id == drawing_id, Drawing.owner_id == actor.id)
        return self._session.scalar(doomed.returning(Drawing.id)) is not None

    def forget_unused(self, before: datetime, *, limit: int) -> int:
        """Delete up to ``limit`` that were painted, not named, and not touched since.

        For maintenance; returns how many.
        """
        unused = some(limit, Drawing.id, Drawing.name == _IN_WORK, Drawing.updated_at < before)
        doomed = delete(Drawing).where(*unused).returning(Drawing.id)
        return len(self._session.scalars(doomed).all())

    def _ensure(self, actor: Actor, blob_sha256: str, name: str, canvas: Canvas) -> Drawing:
        """The row of this name, new or not, locked until the commit."""
        dialect = postgresql if is_postgresql(self._session) else sqlite
        now = utc_now()
        insert = dialect.insert(Drawing).values(
            id=new_id(),
            owner_id=actor.id,
            blob_sha256=blob_sha256,
            name=name,
            canvas=canvas.content,
            canvas_width_px=canvas.width_px,
            canvas_height_px=canvas.height_px,
            created_at=now,
            updated_at=now,
        )
        self._session.execute(insert.on_conflict_do_nothing())
        return self._session.scalars(_of(actor, blob_sha256, name).with_for_update()).one()


def _of(actor: Actor, blob_sha256: str, name: str) -> Select[Drawing]:
    return select(Drawing).where(
        Drawing.owner_id == actor.id, Drawing.blob_sha256 == blob_sha256, Drawing.name == name
    )
