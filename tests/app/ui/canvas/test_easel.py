from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from app.painting import drawings
from app.painting.canvas_json import PAINT, View
from app.ui import stage
from app.ui.canvas import easel
from app.ui.canvas.easel import easel_for
from app.ui.canvas.painting import react
from app.ui.stage import Room, StageEvents
from db.actor import Actor
from db.errors import DatabaseAwayError
from studio.errors import BusyError, UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.words import msg
from tasks.authority import NotAllowedError
from tasks.services import Services
from tasks.submit import store_upload
from tests.people import make_person
from tests.pictures import png

ROOM = Room(300, 900)


class Tab:
    """One browser tab: what its script keeps, and a canvas that one can paint on."""

    def __init__(self, services: Services, actor: Actor, patch: pytest.MonkeyPatch) -> None:
        self.state: dict[str, Any] = {}
        self.objects: list[dict[str, Any]] = []
        self._patch = patch
        self.actor = actor
        self.picture = store_upload(services, "cat.png", png(1, 600, 400))
        self.enter()
        self.easel = easel_for(services, actor, self.picture)
        self.easel.fit(ROOM)
        self.mount()

    def enter(self) -> None:
        """Run the script of this tab from now on."""
        for module in (easel, stage):
            self._patch.setattr(module, "st", SimpleNamespace(session_state=self.state))

    def mount(self) -> None:
        """The browser loads what the canvas was given last."""
        self.objects = self.easel.shown["objects"]
        self.send()

    def send(self) -> None:
        self.state[self.easel.key] = {"drawing": {"raw": {"objects": list(self.objects)}}}

    def draw(self, y: float) -> None:
        """A line across, in canvas pixels."""
        line = [["M", 20, y], ["L", 120, y]]
        look = {"left": 70, "top": y, "stroke": PAINT, "strokeWidth": 10, "fill": None}
        self.objects = [*self.objects, {"type": "Path", "path": line, **look}]
        self.send()

    def take(self) -> None:
        self.enter()
        self.easel.take(self.actor)

    def lines(self) -> list[float]:
        """Where strokes lie on the whole picture, from its top."""
        return [round(stroke.points[0][1]) for stroke in self.easel.drawing.strokes]


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


@pytest.fixture
def tab(services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch) -> Tab:
    return Tab(services, mei, monkeypatch)


def saved(services: Services, tab: Tab) -> Drawing:
    return drawings.load_sheet(services, tab.actor, tab.picture).drawing


@contextmanager
def saving_fails(error: Exception) -> Iterator[None]:
    """Meanwhile no drawing can be saved."""

    def save(*_args: object, **_options: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in ("save_change", "restore_previous"):
            patch.setattr(drawings, name, save)
        yield


def database_away() -> AbstractContextManager[None]:
    return saving_fails(DatabaseAwayError())


def test_stroke_is_saved_in_pixels_of_the_picture(services: Services, tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    [stroke] = saved(services, tab).strokes
    assert stroke.points == ((40, 100), (240, 100))
    assert stroke.width_px == 20


def test_canvas_fills_the_room_and_keeps_its_proportions(tab: Tab) -> None:
    assert tab.easel.view == View(0, 0, 600, 400, 300, 200)
    tab.easel.fit(Room(5000, 900))
    assert tab.easel.view.size == (960, 640)


def test_zoomed_view_stays_within_the_picture(tab: Tab) -> None:
    tab.easel.look(4, (0.95, 0.0))
    assert tab.easel.view == View(450, 0, 150, 100, 300, 200)
    tab.easel.look(4, (0.5, 0.5))
    assert tab.easel.view.box == (225, 150, 375, 250)


def test_strokes_of_several_views_are_one_drawing(tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    tab.easel.look(2, (1.0, 1.0))
    tab.mount()
    tab.draw(60)
    tab.take()
    assert tab.lines() == [100, 260]


def test_stroke_made_while_the_view_changed_is_kept_at_its_place(tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    tab.draw(90)
    late = list(tab.objects)
    tab.easel.look(2, (1.0, 1.0))
    shown = tab.easel.generation
    tab.objects = late
    tab.send()
    tab.take()
    assert tab.lines() == [100, 180]
    assert tab.easel.generation > shown


def test_stroke_moved_while_the_view_changed_is_not_doubled(tab: Tab) -> None:
    for y in (50, 90):
        tab.draw(y)
        tab.take()
    moved = [*tab.objects[:-1], {**tab.objects[-1], "top": 130}]
    tab.easel.look(2, (1.0, 1.0))
    tab.objects = moved
    tab.send()
    tab.take()
    assert tab.lines() == [100, 260]


def test_undone_strokes_that_a_slow_canvas_tells_of_stay_undone(tab: Tab) -> None:
    """A canvas tells what it was given, too, however much was undone before it had loaded it."""
    for y in (50, 90, 130):
        tab.draw(y)
        tab.take()
    for back in (True, True, False, False):
        tab.easel.step(tab.actor, back=back)
    given = tab.easel.shown
    for _ in range(2):
        tab.easel.step(tab.actor, back=True)
    tab.objects = given["objects"]
    tab.send()
    tab.take()
    assert tab.lines() == [100]
    tab.draw(170)
    tab.take()
    assert tab.lines() == [100, 340]


def test_steps_go_back_and_forth(services: Services, tab: Tab) -> None:
    for y in (50, 90, 130):
        tab.draw(y)
        tab.take()
    tab.easel.step(tab.actor, back=True)
    tab.mount()
    tab.easel.step(tab.actor, back=True)
    tab.mount()
    assert tab.lines() == [100]
    tab.easel.step(tab.actor, back=False)
    tab.mount()
    assert tab.lines() == [100, 180]
    assert saved(services, tab) == tab.easel.drawing
    assert tab.easel.lost == 0
    tab.draw(160)
    tab.take()
    assert tab.lines() == [100, 180, 320]
    assert not tab.easel.future


def test_stroke_on_its_way_is_saved_before_a_step(tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    tab.draw(90)
    tab.easel.step(tab.actor, back=True)
    assert tab.lines() == [100]
    tab.easel.step(tab.actor, back=False)
    assert tab.lines() == [100, 180]


def test_cleared_drawing_can_be_brought_back_in_another_session(
    services: Services, mei: Actor, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for y in (50, 90):
        tab.draw(y)
        tab.take()
    tab.easel.replace(tab.actor, drawings.blank(tab.picture))
    assert tab.easel.lost == 2
    again = Tab(services, mei, monkeypatch)
    assert (again.lines(), again.easel.lost) == ([], 2)
    again.easel.restore(again.actor)
    assert (again.lines(), again.easel.lost) == ([100, 180], 0)


def test_rebuilt_canvas_that_is_painted_on_loses_nothing(tab: Tab) -> None:
    """The browser shows what it was given at first; its next stroke would overwrite the rest."""
    for y in (20, 50, 90):
        tab.draw(y)
        tab.take()
    tab.mount()
    tab.draw(130)
    tab.take()
    assert tab.easel.lost == 3
    tab.easel.restore(tab.actor)
    assert tab.lines() == [40, 100, 180, 260]


def test_two_tabs_tell_each_other(
    services: Services, mei: Actor, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Tab(services, mei, monkeypatch)
    other.draw(50)
    other.take()
    tab.draw(90)
    tab.take()
    assert tab.easel.has_foreign
    assert [round(one.points[0][1]) for one in saved(services, tab).strokes] == [100, 180]
    tab.easel.load(tab.actor)
    assert (tab.lines(), tab.easel.has_foreign) == ([100, 180], False)


def test_canvas_that_left_the_page_begins_with_what_is_saved(
    services: Services, mei: Actor, tab: Tab
) -> None:
    stroke = Stroke(kind=StrokeKind.BRUSH, points=((9, 9),), width_px=5)
    before = tab.easel.drawing
    after = before.model_copy(update={"strokes": (stroke,)})
    del tab.state[tab.easel.key]
    drawings.save_change(services, mei, tab.picture, before, after)
    tab.enter()
    assert easel_for(services, mei, tab.picture).drawing == after


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


def test_taken_strokes_are_counted_and_what_a_canvas_tells_as_it_loads_is_not(tab: Tab) -> None:
    tab.draw(50)
    tab.draw(50)
    tab.take()
    assert tab.easel.taken == 2
    tab.easel.show()
    tab.mount()
    tab.take()
    assert tab.easel.taken == 2


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


def told_by_keyboard(tab: Tab, *steps: tuple[int, str], is_rebuilt: bool = False) -> StageEvents:
    """What the browser tells of its bar, without what is marked as taken."""
    values = {"steps": [list(step) for step in steps], "rebuilt": is_rebuilt}
    tab.enter()
    return stage.read_events(values)


def test_steps_of_which_one_failed_are_made_once_when_all_are_told_again(tab: Tab) -> None:
    for y in (50, 90, 130):
        tab.draw(y)
        tab.take()
    steps = [(1, "undo"), (2, "undo")]
    save, answers = drawings.save_change, iter([True, False])

    def save_one(*args: Any, **options: Any) -> drawings.Sheet:
        if next(answers):
            return save(*args, **options)
        raise DatabaseAwayError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawings, "save_change", save_one)
        with pytest.raises(DatabaseAwayError):
            react(tab.actor, tab.easel, told_by_keyboard(tab, *steps))
    for _ in range(2):
        react(tab.actor, tab.easel, told_by_keyboard(tab, *steps))
    assert tab.lines() == [100]


@pytest.mark.parametrize(
    "refusal",
    [UserInputError(msg("Too much"), remedy=msg("Less"), code="x"), NotAllowedError(msg("No."))],
)
def test_step_that_is_refused_is_asked_once(tab: Tab, refusal: Exception) -> None:
    tab.draw(50)
    tab.take()
    with saving_fails(refusal), pytest.raises(type(refusal)):
        react(tab.actor, tab.easel, told_by_keyboard(tab, (1, "undo")))
    assert not told_by_keyboard(tab, (1, "undo")).steps


def test_stroke_told_again_is_told_until_it_is_taken(tab: Tab) -> None:
    tab.draw(50)
    with database_away():
        react(tab.actor, tab.easel, told_by_keyboard(tab, (1, "stroke")))
    assert told_by_keyboard(tab, (1, "stroke")).steps
    react(tab.actor, tab.easel, told_by_keyboard(tab, (1, "stroke")))
    assert not told_by_keyboard(tab, (1, "stroke")).steps


def test_rebuilt_canvas_is_given_the_drawing_while_strokes_wait(tab: Tab) -> None:
    tab.draw(50)
    shown = tab.easel.generation
    with database_away():
        react(tab.actor, tab.easel, told_by_keyboard(tab, is_rebuilt=True))
    assert tab.easel.generation > shown
    tab.take()
    assert tab.lines() == [100]


def test_strokes_made_while_the_database_was_away_wait_as_one_telling(tab: Tab) -> None:
    """A canvas tells all that it holds each time; keeping every telling would fill the memory."""
    with database_away():
        for y in (50, 90, 130):
            tab.draw(y)
            tab.take()
    assert len(tab.easel.waiting) == 1
    tab.take()
    assert tab.lines() == [100, 180, 260]


def test_refusal_that_has_passed_is_said_no_more_where_nothing_new_is_told(tab: Tab) -> None:
    def busy(*_args: object, **_options: object) -> None:
        raise BusyError(msg("Busy."), delay_s=1)

    tab.mount()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(easel, "read_canvas", busy)
        tab.easel.show()
        tab.mount()
        tab.take()
    assert isinstance(tab.easel.refused, BusyError)
    tab.take()
    assert tab.easel.refused is None


def test_strokes_that_wait_are_saved_however_often_the_view_changes_meanwhile(tab: Tab) -> None:
    def busy(*_args: object, **_options: object) -> None:
        raise BusyError(msg("Busy."), delay_s=1)

    tab.mount()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(easel, "read_canvas", busy)
        tab.draw(50)
        tab.take()
        for x in range(12):
            tab.easel.look(2, (x / 12, 0.5))
    tab.take()
    assert tab.lines() == [100]


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


def test_late_stroke_like_one_of_before_is_taken_once(tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    tab.draw(50)
    late = list(tab.objects)
    tab.easel.show()
    tab.objects = late
    tab.send()
    tab.take()
    assert tab.lines() == [100, 100]


def test_steps_back_that_hold_too_much_together_go_the_oldest_first(
    tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(easel, "_STEPS_POINTS", 10)
    for y in range(10, 70, 10):  # lines of two points, each in all later steps
        tab.draw(y)
        tab.take()
    assert [len(step.strokes) for step in tab.easel.past] == [0, 1, 2, 3, 4, 5]
    others = [Stroke(kind=StrokeKind.BRUSH, points=((x, 1), (x, 9)), width_px=5) for x in range(2)]
    tab.easel.replace(tab.actor, tab.easel.drawing.with_strokes(others))
    tab.easel.replace(tab.actor, drawings.blank(tab.picture))
    assert [len(step.strokes) for step in tab.easel.past] == [2]


def test_pictures_painted_on_long_ago_keep_no_steps(
    services: Services, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(easel, "_EASELS", 2)
    pictures = [store_upload(services, "dog.png", png(seed)) for seed in range(2, 4)]
    for picture in pictures:
        easel_for(services, tab.actor, picture)
    assert list(tab.state["easels"]) == [one.sha256 for one in pictures]
    assert easel_for(services, tab.actor, tab.picture) is not tab.easel


def test_room_that_a_browser_tells_is_one_that_a_window_may_have() -> None:
    for told, side in ((1e12, 4_000), (float("inf"), 4_000), (-3, 1), (812.6, 812)):
        room = stage.read_events({"room": {"width": told, "height": told}}).room
        assert room == Room(side, side)
