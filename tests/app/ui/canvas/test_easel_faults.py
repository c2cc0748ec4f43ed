from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.painting import drawings
from app.ui.canvas import easel
from db.errors import DatabaseAwayError, TextError
from studio.errors import BusyError, UserInputError
from studio.words import msg
from tasks.services import Services
from tests.app.ui.canvas.tabs import Tab, database_away, saved, saving_fails


def test_stroke_that_could_not_be_saved_is_taken_when_it_is_told_again(
    services: Services, tab: Tab
) -> None:
    taken = tab.easel.taken
    tab.draw(50)
    with database_away():
        assert not tab.easel.take(tab.actor)
    assert isinstance(tab.easel.refused, DatabaseAwayError)
    assert (tab.lines(), tab.easel.taken, len(tab.easel.past)) == ([], taken, 0)
    assert tab.easel.take(tab.actor)
    assert tab.easel.refused is None
    assert tab.easel.taken == taken + 1
    assert len(saved(services, tab).strokes) == 1


def test_stroke_that_waits_outlives_a_canvas_that_was_given_something_else(
    services: Services, tab: Tab
) -> None:
    tab.draw(50)
    with database_away():
        tab.take()
        tab.easel.show()
        tab.mount()
        tab.take()
    tab.take()
    assert tab.lines() == [100]
    assert saved(services, tab) == tab.easel.drawing


@pytest.mark.parametrize("is_late", [False, True])
def test_stroke_that_is_refused_goes_from_the_canvas_and_is_said_until_another_is_saved(
    services: Services, tab: Tab, is_late: bool
) -> None:
    tab.draw(50)
    told = list(tab.objects)
    if is_late:
        tab.easel.show()
        tab.objects = told
        tab.send()
    shown = tab.easel.generation
    with saving_fails(UserInputError(msg("Too much"), remedy=msg("Less"), code="x")):
        assert tab.easel.take(tab.actor)
    assert tab.easel.generation > shown
    tab.mount()
    tab.take()
    assert isinstance(tab.easel.refused, UserInputError)
    assert not saved(services, tab).strokes
    tab.draw(90)
    tab.take()
    assert tab.lines() == [180]
    assert tab.easel.refused is None


def test_stroke_that_could_not_be_saved_is_not_painted_over(services: Services, tab: Tab) -> None:
    tab.draw(50)
    with database_away():
        tab.easel.replace(tab.actor, drawings.blank(tab.picture))
        tab.easel.step(tab.actor, back=True)
    tab.take()
    assert len(saved(services, tab).strokes) == 1


def test_step_that_could_not_be_saved_can_be_made_again(services: Services, tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    with database_away(), pytest.raises(DatabaseAwayError):
        tab.easel.step(tab.actor, back=True)
    assert tab.lines() == [100]
    tab.easel.step(tab.actor, back=True)
    assert (tab.lines(), len(tab.easel.past), len(tab.easel.future)) == ([], 0, 1)


def test_restoring_that_could_not_be_saved_leaves_no_step_behind(tab: Tab) -> None:
    steps = len(tab.easel.past)
    with database_away(), pytest.raises(DatabaseAwayError):
        tab.easel.restore(tab.actor)
    assert len(tab.easel.past) == steps


def test_strokes_made_while_the_database_was_away_wait_as_one_telling(tab: Tab) -> None:
    """A canvas tells all that it holds each time; keeping every telling would fill the memory."""
    with database_away():
        for y in (50, 90, 130):
            tab.draw(y)
            tab.take()
    assert len(tab.easel.waiting) == 1
    tab.take()
    assert tab.lines() == [100, 180, 260]


@contextmanager
def reading_is_busy() -> Iterator[None]:
    """Meanwhile nothing that a canvas tells can be read."""

    def busy(*_args: object, **_options: object) -> None:
        raise BusyError(msg("Busy."), delay_s=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(easel, "read_canvas", busy)
        yield


def test_refusal_that_has_passed_is_said_no_more_where_nothing_new_is_told(tab: Tab) -> None:
    tab.mount()
    with reading_is_busy():
        tab.easel.show()
        tab.mount()
        tab.take()
    assert isinstance(tab.easel.refused, BusyError)
    tab.take()
    assert tab.easel.refused is None


def test_strokes_that_wait_are_saved_however_often_the_view_changes_meanwhile(tab: Tab) -> None:
    tab.mount()
    with reading_is_busy():
        tab.draw(50)
        tab.take()
        for x in range(12):
            tab.easel.look(2, (x / 12, 0.5))
    tab.take()
    assert tab.lines() == [100]


@contextmanager
def reading_breaks_down() -> Iterator[None]:
    """Meanwhile what a canvas tells meets a fault of ours."""

    def break_down(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(easel, "read_canvas", break_down)
        yield


def test_stroke_that_meets_a_fault_goes_from_the_canvas_under_a_number_and_the_next_is_taken(
    services: Services, tab: Tab, caplog: pytest.LogCaptureFixture
) -> None:
    tab.draw(50)
    tab.take()
    tab.draw(90)
    with reading_breaks_down():
        assert tab.easel.take(tab.actor)
        assert tab.easel.take(tab.actor)
    assert not tab.easel.waiting
    sentence = str(tab.easel.refused)
    assert "secret detail" not in sentence
    assert sentence.split("number ")[1].split(",")[0] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    tab.mount()
    tab.draw(130)
    tab.take()
    assert tab.lines() == [100, 260]
    assert tab.easel.refused is None
    assert saved(services, tab) == tab.easel.drawing


@contextmanager
def showing_breaks_down() -> Iterator[None]:
    """Meanwhile the canvas can be given nothing else to show."""

    def break_down(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(easel, "to_canvas", break_down)
        yield


@pytest.mark.parametrize("is_late", [False, True], ids=["canvas rebuilt", "told late"])
def test_stroke_that_is_saved_is_not_refused_where_the_canvas_cannot_be_given_the_drawing(
    services: Services, tab: Tab, is_late: bool
) -> None:
    tab.draw(50)
    tab.take()
    if is_late:
        tab.easel.show()
    else:
        tab.mount()
    tab.draw(90)
    with showing_breaks_down(), pytest.raises(ZeroDivisionError):
        tab.take()
    assert tab.lines() == [100, 180]
    assert saved(services, tab) == tab.easel.drawing
    assert tab.easel.refused is None
    assert tab.easel.view.size == (300, 200)
    tab.draw(130)
    tab.take()
    assert tab.lines() == [100, 180, 260]
    assert tab.easel.taken == 3
    assert not tab.easel.waiting


def test_refusal_of_the_record_that_is_for_good_goes_from_the_canvas_in_its_own_words(
    tab: Tab,
) -> None:
    tab.draw(50)
    with saving_fails(TextError(9)):
        assert tab.easel.take(tab.actor)
    assert not tab.easel.waiting
    assert isinstance(tab.easel.refused, TextError)


@pytest.mark.parametrize("told", [7, {"raw": 7}, {"raw": {"objects": 7}}, {"raw": {}}, None])
def test_what_is_no_canvas_is_not_taken(tab: Tab, told: object) -> None:
    tab.state[tab.easel.key] = {"drawing": told}
    tab.take()
    assert not tab.easel.waiting
    assert tab.lines() == []


@pytest.mark.parametrize("painted", [7, {"left": 1}, {"type": "Path"}])
def test_object_that_no_canvas_writes_is_refused_and_goes(tab: Tab, painted: object) -> None:
    tab.objects = [*tab.objects, painted]  # type: ignore[list-item]
    tab.send()
    tab.take()
    assert not tab.easel.waiting
    assert isinstance(tab.easel.refused, UserInputError)
    tab.mount()
    tab.draw(50)
    tab.take()
    assert tab.lines() == [100]
