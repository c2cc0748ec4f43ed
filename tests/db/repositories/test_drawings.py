from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from db.actor import Actor
from db.models import Drawing
from db.repositories.blobs import BlobRepository
from db.repositories.drawings import Canvas, DrawingRepository, StrokeCount
from db.session import Database
from db.types import Role, utc_now
from tests.factories import make_actor, make_blob

EMPTY = Canvas('{"strokes": []}', 640, 480)
ONE = Canvas('{"strokes": ["one"]}', 640, 480)


def paint(database: Database, actor: Actor, sha256: str, canvas: Canvas) -> None:
    with database.write() as session:
        drawings = DrawingRepository(session)
        drawings.save(drawings.open(actor, sha256, EMPTY), canvas)


def strokes(drawing: Drawing | None) -> list[str]:
    assert drawing is not None
    found: list[str] = json.loads(drawing.canvas)["strokes"]
    return found


def people(database: Database) -> tuple[Actor, Actor, str]:
    """Ann, an admin, and a stored picture."""
    with database.write() as session:
        return (
            make_actor(session),
            make_actor(session, role=Role.ADMIN),
            make_blob(session).sha256,
        )


def test_open_begins_empty_and_finds_what_was_saved(database: Database) -> None:
    ann, _, sha256 = people(database)
    with database.write() as session:
        assert strokes(DrawingRepository(session).open(ann, sha256, EMPTY)) == []
    paint(database, ann, sha256, ONE)
    with database.read() as session:
        found = DrawingRepository(session).in_work(ann, sha256)
        assert strokes(found) == ["one"]
        assert found is not None
        assert (found.canvas_width_px, found.canvas_height_px) == (640, 480)


def test_drawing_is_seen_by_its_owner_alone(database: Database) -> None:
    ann, admin, sha256 = people(database)
    paint(database, ann, sha256, ONE)
    with database.write() as session:
        drawings = DrawingRepository(session)
        kept = drawings.keep(ann, sha256, "Logo", ONE)
        assert drawings.in_work(admin, sha256) is None
        assert drawings.get(admin, kept.id) is None
        assert not drawings.kept(admin)
        assert not drawings.remove(admin, kept.id)
        assert drawings.get(ann, kept.id) is kept


def test_tabs_that_save_at_once_lose_nothing(database: Database) -> None:
    ann, _, sha256 = people(database)

    def add(number: int) -> None:
        with database.write() as session:
            drawings = DrawingRepository(session)
            drawing = drawings.open(ann, sha256, EMPTY)
            more = [*strokes(drawing), str(number)]
            drawings.save(drawing, Canvas(json.dumps({"strokes": more}), 640, 480))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    with database.read() as session:
        found = strokes(DrawingRepository(session).in_work(ann, sha256))
    assert sorted(found, key=int) == [str(number) for number in range(12)]


def test_save_keeps_what_can_be_restored_until_it_is_forgotten(database: Database) -> None:
    ann, _, sha256 = people(database)
    with database.write() as session:
        drawings = DrawingRepository(session)
        drawing = drawings.open(ann, sha256, EMPTY)
        drawings.save(drawing, EMPTY, previous=ONE.content)
    with database.write() as session:
        drawings = DrawingRepository(session)
        found = drawings.in_work(ann, sha256)
        assert found is not None
        assert found.previous_canvas == ONE.content
        drawings.forget_previous(ann, sha256)
    with database.read() as session:
        found = DrawingRepository(session).in_work(ann, sha256)
        assert found is not None
        assert found.previous_canvas is None


def test_keep_replaces_the_same_name_and_sorts_by_change(database: Database) -> None:
    ann, _, sha256 = people(database)
    with database.write() as session:
        drawings = DrawingRepository(session)
        first = drawings.keep(ann, sha256, " Logo ", EMPTY)
        drawings.keep(ann, sha256, "Date", EMPTY)
    with database.write() as session:
        drawings = DrawingRepository(session)
        assert drawings.keep(ann, sha256, "Logo", ONE).id == first.id
    with database.read() as session:
        found = DrawingRepository(session).kept(ann)
        assert [one.name for one in found] == ["Logo", "Date"]
        assert strokes(DrawingRepository(session).get(ann, found[0].id)) == ["one"]


def test_keep_without_a_name_is_refused(database: Database) -> None:
    ann, _, sha256 = people(database)
    with database.write() as session, pytest.raises(ValueError, match="name"):
        DrawingRepository(session).keep(ann, sha256, "  ", ONE)


def test_remove_forgets_one(database: Database) -> None:
    ann, _, sha256 = people(database)
    with database.write() as session:
        drawings = DrawingRepository(session)
        kept = drawings.keep(ann, sha256, "Logo", ONE)
        other = drawings.keep(ann, sha256, "Sky", ONE)
        assert [drawings.get(ann, one.id) for one in (kept, other)] == [kept, other]
        assert drawings.remove(ann, kept.id)
        assert not drawings.remove(ann, kept.id)
        assert [one.name for one in drawings.kept(ann)] == ["Sky"]


def test_forget_unused_leaves_named_and_recent_drawings(database: Database) -> None:
    ann, _, sha256 = people(database)
    long_ago = utc_now() - timedelta(days=90)
    with database.write() as session:
        drawings = DrawingRepository(session)
        other = make_blob(session).sha256
        for drawing in (
            drawings.open(ann, sha256, ONE),
            drawings.keep(ann, sha256, "Logo", ONE),
        ):
            drawing.updated_at = long_ago
        drawings.open(ann, other, ONE)
    with database.write() as session:
        drawings = DrawingRepository(session)
        assert drawings.forget_unused(utc_now() - timedelta(days=30), limit=10) == 1
        assert drawings.in_work(ann, sha256) is None
        assert drawings.in_work(ann, other) is not None
        assert [one.name for one in drawings.kept(ann)] == ["Logo"]


def test_picture_with_a_drawing_is_not_swept(database: Database) -> None:
    ann, _, sha256 = people(database)
    paint(database, ann, sha256, ONE)
    with database.write() as session:
        blobs = BlobRepository(session)
        assert sha256 not in blobs.unreferenced(utc_now() + timedelta(days=1))
        DrawingRepository(session).forget_unused(utc_now() + timedelta(days=1), limit=10)
        assert sha256 in blobs.unreferenced(utc_now() + timedelta(days=1))


def test_picture_is_found_by_who_has_painted_on_it(database: Database) -> None:
    ann, admin, sha256 = people(database)
    paint(database, ann, sha256, ONE)
    with database.read() as session:
        drawings = DrawingRepository(session)
        found = drawings.picture(ann, sha256)
        assert found is not None
        assert found.sha256 == sha256
        assert drawings.picture(admin, sha256) is None
        assert drawings.picture(ann, "f" * 64) is None


def test_count_in_work_counts_what_paints_and_what_erases(database: Database) -> None:
    ann, admin, sha256 = people(database)
    with database.write() as session:
        other = make_blob(session).sha256
    painted = json.dumps({"strokes": [{"erases": erases} for erases in (False, True, False)]})
    paint(database, ann, sha256, Canvas(painted, 640, 480))
    paint(database, ann, other, EMPTY)
    with database.read() as session:
        drawings = DrawingRepository(session)
        found = drawings.count_in_work(ann, [sha256, other])
        assert found == {sha256: StrokeCount(strokes=3, painting=2)}
        assert not drawings.count_in_work(admin, [sha256])


def test_canvas_is_read_as_it_was_written_and_null_as_nothing(database: Database) -> None:
    """Older releases wrote null where there is nothing to restore."""
    ann, _, sha256 = people(database)
    spaced = Canvas('{ "strokes":  [1.50] }', 640, 480)
    with database.write() as session:
        drawings = DrawingRepository(session)
        drawings.save(drawings.open(ann, sha256, EMPTY), spaced, previous="null")
    with database.read() as session:
        found = DrawingRepository(session).in_work(ann, sha256)
        assert found is not None
        assert (found.canvas, found.previous_canvas) == (spaced.content, None)
