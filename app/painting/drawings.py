"""What people paint: saved as it is made, brought together when two tabs paint, kept by name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from app.painting.bounds import require_fits
from app.painting.changes import have_vanished, merge, missing
from app.runs.reading import painted_input, stored_file
from db import models
from db.actor import Actor
from db.repositories.blobs import BlobRepository
from db.repositories.drawings import MAX_KEPT, Canvas, DrawingRepository, StrokeCount
from studio.errors import UserInputError
from studio.imaging.confined import parse_confined, render_confined
from studio.imaging.drawing import Drawing, Stroke
from studio.imaging.picture import Pixels
from studio.text import line
from studio.words import msg, msgs
from tasks.authority import Needs, authorise
from tasks.files import StoredFile, keep
from tasks.reading import reading_pool
from tasks.services import Services

FILE_NAME = "drawing.json"
MEDIA_TYPE = "application/json"
MAX_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is painted on a picture, and what strokes that vanished from it were part of."""

    drawing: Drawing
    previous: Drawing | None = None


@dataclass(frozen=True, slots=True)
class NamedDrawing:
    """A drawing that its owner keeps to use it again; ``read_named`` has what is painted."""

    id: UUID
    name: str


Texts = tuple[str, str | None]
"""A sheet as it is stored: the JSON of what is painted, and of what can be restored."""


def blank(picture: StoredFile) -> Drawing:
    """Nothing painted on ``picture``, whose size must be known."""
    if picture.width_px is None or picture.height_px is None:
        raise ValueError(f"{picture.file_name} has no size")
    return Drawing(width_px=picture.width_px, height_px=picture.height_px)


def find_picture(services: Services, actor: Actor, sha256: str) -> models.Blob | None:
    """A stored picture that the actor paints on, or sees in a run; None when it is gone."""
    with services.database.read() as session:
        found = DrawingRepository(session).picture(actor, sha256)
        blob = found or BlobRepository(session).readable_by(actor, sha256)
    if blob is None or blob.width_px is None or not services.blobs.exists(sha256):
        return None
    return blob


def load_sheet(services: Services, actor: Actor, picture: StoredFile) -> Sheet:
    """What the actor last painted on ``picture``, in whichever tab; begun if it is nothing."""
    with services.database.write() as session:
        authorise(session, actor, Needs.RUNNING)
        row = DrawingRepository(session).open(actor, picture.sha256, _canvas(blank(picture)))
    return _sheet(_texts(row))


def find_drawing(services: Services, actor: Actor, picture: StoredFile) -> Drawing | None:
    """What the actor last painted on ``picture``, in whichever tab; None when that is nothing."""
    with services.database.read() as session:
        row = DrawingRepository(session).in_work(actor, picture.sha256)
    return None if row is None else Drawing.model_validate_json(row.canvas)


def painted_on(
    services: Services, actor: Actor, pictures: Sequence[StoredFile]
) -> Mapping[str, StrokeCount]:
    """How much is saved of the actor's drawings of these pictures, by digest."""
    with services.database.read() as session:
        digests = {one.sha256 for one in pictures}
        return DrawingRepository(session).count_in_work(actor, digests)


def copy_to(
    services: Services, actor: Actor, drawing: Drawing, pictures: Sequence[StoredFile]
) -> None:
    """Paint ``drawing`` on each of ``pictures``, stretched to its size, over what is there.

    Raises:
        UserInputError: ``drawing.full``, or ``drawing.too_complex`` once stretched, naming the
            first picture that has no room for it.

    """
    for picture in pictures:
        before = load_sheet(services, actor, picture).drawing
        try:
            more = missing(fit(drawing, picture).strokes, before.strokes)
            after = before.with_strokes((*before.strokes, *more))
            save_change(services, actor, picture, before, after)
        except UserInputError as refusal:
            raise refusal.naming(picture.file_name) from refusal


def save_change(
    services: Services,
    actor: Actor,
    picture: StoredFile,
    before: Drawing,
    after: Drawing,
    *,
    is_step: bool = False,
) -> Sheet:
    """Save that a tab's ``before`` became ``after``, on top of what other tabs have saved.

    When more went than one action can take away, what was there before can be restored;
    not so for a step back or forward, which can be taken the other way.

    Raises:
        UserInputError: ``drawing.full``, together they are too much; nothing is saved.

    """

    def change(saved: Sheet) -> Sheet:
        merged = merge(before, after, saved.drawing)
        require_fits(merged, saved.drawing, before, *([after] if is_step else []))
        is_loss = not is_step and have_vanished(before, after)
        return Sheet(merged, saved.drawing if is_loss else saved.previous)

    return _change(services, actor, picture, change, expected=before)


def put_in_place(services: Services, actor: Actor, picture: StoredFile, drawing: Drawing) -> None:
    """Save ``drawing``, of a run, in place of what is painted on ``picture``, of any tab.

    That can be restored.
    """

    def replace(saved: Sheet) -> Sheet:
        is_loss = have_vanished(saved.drawing, drawing)
        return Sheet(drawing, saved.drawing if is_loss else saved.previous)

    _change(services, actor, picture, replace)


def restore_previous(services: Services, actor: Actor, picture: StoredFile) -> Sheet:
    """Bring back the strokes that vanished, beneath those that were made since.

    Raises:
        UserInputError: ``drawing.full``, as of ``save_change``.

    """

    def restore(saved: Sheet) -> Sheet:
        if saved.previous is None:
            return saved
        since = missing(saved.drawing.strokes, saved.previous.strokes)
        restored = saved.previous.with_strokes((*saved.previous.strokes, *since))
        require_fits(restored, saved.drawing, saved.previous)
        return Sheet(restored)

    return _change(services, actor, picture, restore)


def _change(
    services: Services,
    actor: Actor,
    picture: StoredFile,
    change: Callable[[Sheet], Sheet],
    *,
    expected: Drawing | None = None,
) -> Sheet:
    """Save what ``change`` makes of what is saved, and again where another tab was faster.

    Drawings are read, merged and written out between transactions, for whose end others wait.
    What is ``expected`` to be saved is read only where it is not.
    """
    blank_canvas = _canvas(blank(picture))
    with services.database.read() as session:
        row = DrawingRepository(session).in_work(actor, picture.sha256)
    seen = (blank_canvas.content, None) if row is None else _texts(row)
    while True:
        sheet = change(_sheet(seen, expected))
        canvas = _canvas(sheet.drawing)
        previous = None if sheet.previous is None else _text(sheet.previous)
        with services.database.write() as session:
            authorise(session, actor, Needs.RUNNING)
            drawings = DrawingRepository(session)
            row = drawings.open(actor, picture.sha256, blank_canvas)
            if _texts(row) == seen:
                drawings.save(row, canvas, previous)
                return sheet
            seen = _texts(row)


def dismiss_previous(services: Services, actor: Actor, picture: StoredFile) -> None:
    """What vanished is not wanted back."""
    with services.database.write() as session:
        authorise(session, actor, Needs.RUNNING)
        DrawingRepository(session).forget_previous(actor, picture.sha256)


def fit(drawing: Drawing, picture: StoredFile) -> Drawing:
    """``drawing`` stretched to the size of another picture, as ``render`` would show it.

    Raises:
        UserInputError: ``drawing.too_complex``, stretched it reaches too far.

    """
    target = blank(picture)
    scale = np.array((target.width_px / drawing.width_px, target.height_px / drawing.height_px))
    if (scale == 1).all():
        return drawing
    across = float(np.sqrt(scale.prod()))
    return target.with_strokes(
        Stroke(
            kind=stroke.kind,
            points=tuple((x, y) for x, y in (stroke.array() * scale).round(3).tolist()),
            width_px=round(stroke.width_px * across, 3),
            erases=stroke.erases,
        )
        for stroke in drawing.strokes
    )


def store_drawing(services: Services, drawing: Drawing) -> StoredFile:
    """The drawing as a file that a run may read."""
    return keep(services, drawing.to_bytes(), file_name=FILE_NAME, media_type=MEDIA_TYPE)


def read_drawing(services: Services, file: StoredFile, *, owner: Hashable = None) -> Drawing:
    """What an earlier run was given, read in a process that can be ended; ``owner`` is who looks.

    Raises:
        StorageError: the stored file is gone.
        UserInputError: ``drawing.unreadable``, ``drawing.too_complex``, or it took too long.
        RetriableError: too many files are being read.

    """
    with services.blobs.as_file(file.sha256) as path:
        return parse_confined(reading_pool(), path, file_name=file.file_name, owner=owner)


def drawing_pixels(
    services: Services, file: StoredFile, width_px: int, height_px: int, *, owner: Hashable = None
) -> Pixels:
    """What an earlier run was given, stretched to this size: 255 where painted, ``uint8 (H, W)``.

    Errors are those of ``read_drawing``; the strokes themselves are never in this process.
    """
    with services.blobs.as_file(file.sha256) as path:
        drawn = render_confined(
            reading_pool(), path, width_px, height_px, file_name=file.file_name, owner=owner
        )
    return drawn.pixels[..., 0]


def named_drawings(services: Services, actor: Actor) -> Sequence[NamedDrawing]:
    """What the actor keeps, the last changed first."""
    with services.database.read() as session:
        return [NamedDrawing(*row) for row in DrawingRepository(session).kept(actor)]


def read_named(services: Services, actor: Actor, drawing_id: UUID) -> Drawing | None:
    """What is painted in one of the actor's drawings; None when it is gone."""
    with services.database.read() as session:
        row = DrawingRepository(session).get(actor, drawing_id)
    return None if row is None else Drawing.model_validate_json(row.canvas)


def keep_by_name(
    services: Services, actor: Actor, picture: StoredFile, name: str, drawing: Drawing
) -> None:
    """Keep a copy of the drawing to use it again, on this picture and on others.

    Raises:
        UserInputError: ``text.invalid`` for the name, ``drawing.too_many``.

    """
    name = line(name, MAX_NAME_CHARS, what=msg("The name of a drawing"))
    with services.database.write() as session:
        authorise(session, actor, Needs.COUNTING)
        drawings = DrawingRepository(session)
        if not drawings.is_kept(actor, picture.sha256, name):
            _require_room(name, drawings.count_kept(actor))
        drawings.keep(actor, picture.sha256, name, _canvas(drawing))


def _require_room(name: str, kept: int) -> None:
    """Refuse another drawing where ``kept`` are as many as may be, or more."""
    if kept >= MAX_KEPT:
        raise UserInputError(
            msgs(
                "“{name}” was not saved, as you have {n} drawing and may keep {most}",
                "“{name}” was not saved, as you have {n} drawings and may keep {most}",
                kept,
                name=name,
                most=MAX_KEPT,
            ),
            remedy=msgs("Delete one first.", "Delete {n} first.", kept - MAX_KEPT + 1),
            code="drawing.too_many",
        )


def forget_named(services: Services, actor: Actor, drawing_id: UUID) -> None:
    """Delete one of the actor's drawings; runs that used it keep their copy."""
    with services.database.write() as session:
        authorise(session, actor, Needs.RUNNING)
        DrawingRepository(session).remove(actor, drawing_id)


def _text(drawing: Drawing) -> str:
    return drawing.to_bytes().decode()


def _canvas(drawing: Drawing) -> Canvas:
    return Canvas(_text(drawing), drawing.width_px, drawing.height_px)


def _texts(row: models.Drawing) -> Texts:
    return row.canvas, row.previous_canvas


def _sheet(texts: Texts, expected: Drawing | None = None) -> Sheet:
    canvas, previous = texts
    if expected is None or _text(expected) != canvas:
        expected = Drawing.model_validate_json(canvas)
    return Sheet(expected, None if previous is None else Drawing.model_validate_json(previous))


def drawing_of(services: Services, job: models.Job, picture: StoredFile) -> Drawing:
    """What the run was painted with, stretched to ``picture``; blank when with nothing.

    Raises:
        StorageError: the stored drawing is gone.
        UserInputError: as ``read_drawing`` does.
        RetriableError: too many files are being read.

    """
    used = painted_input(job)
    if used is None:
        return blank(picture)
    return fit(read_drawing(services, stored_file(used), owner=job.owner_id), picture)
