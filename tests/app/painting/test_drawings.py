from __future__ import annotations

import numpy as np
import pytest

from app.painting import drawings
from app.painting.bounds import MAX_STROKES
from app.painting.changes import have_vanished, merge, missing
from db.actor import Actor
from db.repositories.drawings import MAX_KEPT, Canvas, DrawingRepository, StrokeCount
from db.types import Role
from studio.errors import UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.imaging.drawing import painted as painted_over
from tasks.files import StoredFile
from tasks.reading import reading_pool
from tasks.services import Services
from tasks.submit import store_upload
from tests.people import make_person
from tests.pictures import png

MANY = MAX_STROKES * 3 // 4
"""Strokes of a drawing that takes not as many more."""


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


@pytest.fixture
def picture(services: Services) -> StoredFile:
    return store_upload(services, "cat.png", png(1, 600, 400))


def stroke(number: int, *, points: int = 2, erases: bool = False) -> Stroke:
    return Stroke(
        kind=StrokeKind.BRUSH,
        points=tuple((10.0 * step, 10.0 * number) for step in range(points)),
        width_px=20,
        erases=erases,
    )


def painted(*numbers: int) -> Drawing:
    return Drawing(width_px=600, height_px=400, strokes=tuple(map(stroke, numbers)))


def test_change_is_saved_and_found_again(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    assert drawings.load_sheet(services, mei, picture).drawing == drawings.blank(picture)
    drawings.save_change(services, mei, picture, painted(), painted(1))
    assert drawings.load_sheet(services, mei, picture).drawing == painted(1)


def test_two_tabs_add_to_each_other(services: Services, mei: Actor, picture: StoredFile) -> None:
    drawings.save_change(services, mei, picture, painted(), painted(1))
    drawings.save_change(services, mei, picture, painted(1), painted(1, 2))
    both = drawings.save_change(services, mei, picture, painted(1), painted(1, 3))
    assert both.drawing == painted(1, 2, 3)
    assert both.previous is None


def test_wiped_canvas_can_be_restored_with_what_came_after(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    """A rebuilt canvas is empty; its next stroke says that all the others are gone."""
    drawings.save_change(services, mei, picture, painted(), painted(1, 2, 3))
    wiped = drawings.save_change(services, mei, picture, painted(1, 2, 3), painted(4))
    assert wiped.previous == painted(1, 2, 3)
    drawings.save_change(services, mei, picture, painted(4), painted(4, 5))
    restored = drawings.restore_previous(services, mei, picture)
    assert restored.drawing == painted(1, 2, 3, 4, 5)
    assert drawings.load_sheet(services, mei, picture) == restored
    assert drawings.restore_previous(services, mei, picture).drawing == restored.drawing


def test_step_back_is_no_loss(services: Services, mei: Actor, picture: StoredFile) -> None:
    drawings.save_change(services, mei, picture, painted(), painted(1, 2, 3))
    sheet = drawings.save_change(services, mei, picture, painted(1, 2, 3), painted(), is_step=True)
    assert sheet.previous is None


def test_dismissed_loss_is_offered_no_more(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, painted(), painted(1, 2))
    drawings.save_change(services, mei, picture, painted(1, 2), painted())
    drawings.dismiss_previous(services, mei, picture)
    assert drawings.load_sheet(services, mei, picture).previous is None


@pytest.mark.parametrize(
    ("before", "after", "is_loss"),
    [
        (painted(1), painted(1, 2), False),
        (painted(1, 2), painted(1), False),
        (painted(1, 2), painted(1, 9), False),
        (painted(1, 2), painted(2, 1), False),
        (painted(1, 2, 3), painted(1), True),
        (painted(1, 2, 3), painted(4), True),
        (
            painted(1),
            Drawing(width_px=600, height_px=400, strokes=(stroke(1, points=5),)),
            True,
        ),
    ],
)
def test_have_vanished_tells_accidents_from_single_actions(
    before: Drawing, after: Drawing, is_loss: bool
) -> None:
    assert have_vanished(before, after) == is_loss


def test_merge_keeps_an_edited_stroke_in_its_place() -> None:
    saved = painted(7, 1, 2, 8)
    assert merge(painted(1, 2), painted(9, 2), saved) == painted(7, 9, 2, 8)


def test_merge_removes_only_what_this_tab_removed() -> None:
    assert merge(painted(1, 2), painted(2), painted(1, 2, 3)) == painted(2, 3)


def test_fit_stretches_places_and_widths(services: Services) -> None:
    other = store_upload(services, "tall.png", png(2, 60, 160))
    fitted = drawings.fit(painted(10), other)
    assert (fitted.width_px, fitted.height_px) == (60, 160)
    assert fitted.strokes[0].points == ((0.0, 40.0), (1.0, 40.0))
    assert fitted.strokes[0].width_px == pytest.approx(20 * (0.1 * 0.4) ** 0.5, abs=0.001)


def test_stored_drawing_is_read_again(services: Services) -> None:
    file = drawings.store_drawing(services, painted(1, 2))
    assert (file.file_name, file.media_type) == ("drawing.json", "application/json")
    assert drawings.read_drawing(services, file) == painted(1, 2)


def test_named_drawings_are_kept_used_and_forgotten(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    drawings.keep_by_name(services, mei, picture, "Logo", painted(1))
    drawings.keep_by_name(services, mei, picture, "Logo", painted(1, 2))
    [kept] = drawings.named_drawings(services, mei)
    assert kept.name == "Logo"
    assert drawings.read_named(services, mei, kept.id) == painted(1, 2)
    drawings.forget_named(services, mei, kept.id)
    assert not drawings.named_drawings(services, mei)
    assert drawings.read_named(services, mei, kept.id) is None


def test_keep_by_name_of_more_than_are_listed_is_refused_until_one_goes(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    with services.database.write() as session:
        rows = [  # one more, as older releases let people keep
            DrawingRepository(session).keep(mei, picture.sha256, str(number), Canvas("{}", 1, 1))
            for number in range(MAX_KEPT + 1)
        ]
    counted = rf"you have {MAX_KEPT + 1} drawings and may keep {MAX_KEPT}\. Delete 2 first"
    with pytest.raises(UserInputError, match=counted) as refusal:
        drawings.keep_by_name(services, mei, picture, "Logo", painted(1))
    assert refusal.value.code == "drawing.too_many"
    drawings.keep_by_name(services, mei, picture, "1", painted(1))
    for row in (rows[0], rows[2]):
        drawings.forget_named(services, mei, row.id)
    drawings.keep_by_name(services, mei, picture, "Logo", painted(1))


def test_picture_is_found_by_whom_it_was_painted_on(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    assert drawings.find_picture(services, mei, picture.sha256) is None
    drawings.load_sheet(services, mei, picture)
    found = drawings.find_picture(services, mei, picture.sha256)
    assert found is not None
    assert found.sha256 == picture.sha256
    assert drawings.find_picture(services, boss, picture.sha256) is None
    services.blobs.delete(picture.sha256)
    assert drawings.find_picture(services, mei, picture.sha256) is None


def test_drawing_of_a_run_is_read_outside_of_this_process(
    services: Services, mei: Actor, picture: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = drawings.store_drawing(services, painted(1, 2))
    reading_pool().start()

    def read_here(*_: object, **__: object) -> Drawing:
        raise AssertionError("a stored drawing is read in the web process")

    monkeypatch.setattr(Drawing, "parse", read_here)
    assert drawings.read_drawing(services, stored, owner=mei.id) == painted(1, 2)


def test_drawing_pixels_are_painted_and_no_stroke_comes_into_this_process(
    services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint, erase = (
        Stroke(kind=StrokeKind.BRUSH, points=((x, 50),), width_px=40, erases=erases)
        for x, erases in ((50, False), (60, True))
    )
    drawing = Drawing(width_px=200, height_px=100, strokes=(paint, erase))
    stored = drawings.store_drawing(services, drawing)

    def arrive(*_: object) -> None:
        raise AssertionError("strokes are handed to the web process")

    monkeypatch.setattr(Stroke, "__setstate__", arrive)
    pixels = drawings.drawing_pixels(services, stored, 100, 50, owner=mei.id)
    assert (pixels.shape, pixels.dtype) == ((50, 100), np.uint8)
    assert np.array_equal(pixels, painted_over(drawing, 100, 50, np.zeros((50, 100), np.uint8)))
    assert pixels[25, 17] == 255
    assert pixels[25, 30] == 0


def test_find_drawing_finds_what_is_saved_of_ones_own(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    other = store_upload(services, "dog.png", png(2, 300, 200))
    drawings.save_change(services, mei, picture, painted(), painted(1))
    assert drawings.find_drawing(services, mei, picture) == painted(1)
    assert drawings.find_drawing(services, mei, other) is None
    li = make_person(services, "li")
    assert drawings.find_drawing(services, li, picture) is None


def test_painted_on_counts_strokes_and_those_that_erase_nothing(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    other = store_upload(services, "dog.png", png(2, 300, 200))
    mixed = painted().with_strokes((stroke(1), stroke(2, erases=True), stroke(3)))
    drawings.save_change(services, mei, picture, painted(), mixed)
    drawings.load_sheet(services, mei, other)
    found = drawings.painted_on(services, mei, [picture, other])
    assert found == {picture.sha256: StrokeCount(strokes=3, painting=2)}


def test_copied_drawing_lies_over_what_is_painted_there(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    other = store_upload(services, "dog.png", png(2, 600, 400))
    drawings.save_change(services, mei, other, painted(), painted(1))
    for _ in range(2):
        drawings.copy_to(services, mei, painted(2), [other])
    assert drawings.find_drawing(services, mei, other) == painted(1, 2)


def dots(first: int, count: int) -> Drawing:
    """As many strokes of one point, none like another, on a picture of 600 × 400."""
    strokes = (
        Stroke(kind=StrokeKind.BRUSH, points=((float(number), 0.0),), width_px=1)
        for number in range(first, first + count)
    )
    return Drawing(width_px=600, height_px=400, strokes=tuple(strokes))


def test_restore_of_more_than_a_drawing_holds_is_refused_and_leaves_what_is_there(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    before, after = dots(0, MANY), dots(MANY, MANY)
    drawings.save_change(services, mei, picture, painted(), before)
    drawings.save_change(services, mei, picture, before, after)

    with pytest.raises(UserInputError) as refusal:
        drawings.restore_previous(services, mei, picture)

    assert refusal.value.code == "drawing.full"
    assert drawings.load_sheet(services, mei, picture) == drawings.Sheet(after, before)


def test_change_that_makes_it_more_than_a_drawing_holds_is_refused(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, painted(), dots(0, MANY))

    with pytest.raises(UserInputError) as refusal:
        drawings.save_change(services, mei, picture, painted(), dots(MANY, MANY))

    assert refusal.value.code == "drawing.full"
    assert drawings.load_sheet(services, mei, picture).drawing == dots(0, MANY)


def test_copy_to_a_picture_without_room_for_it_names_the_picture(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, painted(), dots(0, MANY))

    with pytest.raises(UserInputError) as refusal:
        drawings.copy_to(services, mei, dots(MANY, MANY), [picture])

    assert (refusal.value.file_name, refusal.value.code) == ("cat.png", "drawing.full")


def test_fit_that_would_reach_too_far_is_refused(picture: StoredFile) -> None:
    far = Stroke(kind=StrokeKind.BRUSH, points=((9e5, 0.0),), width_px=1)
    with pytest.raises(UserInputError) as refusal:
        drawings.fit(Drawing(width_px=60, height_px=40, strokes=(far,)), picture)
    assert refusal.value.code == "drawing.too_complex"


def test_drawing_of_an_old_run_larger_than_a_canvas_takes_is_shown_reduced_and_brought_back(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    old, fewer = dots(0, MAX_STROKES + 500), dots(0, MAX_STROKES + 400)
    drawings.put_in_place(services, mei, picture, old)
    assert drawings.load_sheet(services, mei, picture).drawing == old
    with pytest.raises(UserInputError, match="the drawing is full"):
        drawings.save_change(services, mei, picture, old, dots(0, MAX_STROKES + 501))

    drawings.save_change(services, mei, picture, old, fewer)
    drawings.save_change(services, mei, picture, fewer, old, is_step=True)
    drawings.save_change(services, mei, picture, old, painted())
    assert drawings.restore_previous(services, mei, picture).drawing == old


def test_step_back_on_top_of_what_another_tab_painted_is_refused_where_both_are_too_much(
    services: Services, mei: Actor, picture: StoredFile
) -> None:
    mine, others = dots(0, MAX_STROKES), dots(MAX_STROKES, 1)
    drawings.save_change(services, mei, picture, painted(), mine)
    drawings.save_change(services, mei, picture, mine, painted())
    drawings.save_change(services, mei, picture, painted(), others)
    with pytest.raises(UserInputError, match="the drawing is full"):
        drawings.save_change(services, mei, picture, painted(), mine, is_step=True)


def test_save_change_on_top_of_what_another_tab_saved_meanwhile_keeps_both(
    services: Services, mei: Actor, picture: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merging is done outside of the transaction; another tab may save at that moment."""
    drawings.save_change(services, mei, picture, painted(), painted(1))
    is_first = iter([True, False, False])

    def merge_slowly(before: Drawing, after: Drawing, saved: Drawing) -> Drawing:
        merged = merge(before, after, saved)
        if next(is_first):
            drawings.save_change(services, mei, picture, painted(1), painted(1, 2))
        return merged

    monkeypatch.setattr(drawings, "merge", merge_slowly)
    sheet = drawings.save_change(services, mei, picture, painted(1), painted(1, 3))
    assert sheet.drawing == painted(1, 2, 3)
    assert drawings.load_sheet(services, mei, picture) == sheet


@pytest.mark.parametrize(
    ("strokes", "among", "found"),
    [
        ((1, 2, 3), (1, 2, 3), ()),
        ((1, 2, 3), (), (1, 2, 3)),
        ((), (1, 2), ()),
        ((1, 9, 3), (1, 2, 3), (9,)),
        ((1, 1, 2), (1, 2), (1,)),
        ((3, 1, 2), (1, 2, 4), (3,)),
        ((1, 2, 1), (2, 1), (1,)),
    ],
)
def test_missing_counts_each_stroke_once(
    strokes: tuple[int, ...], among: tuple[int, ...], found: tuple[int, ...]
) -> None:
    left = missing(painted(*strokes).strokes, painted(*among).strokes)
    assert left == [stroke(number) for number in found]
