from __future__ import annotations

import pytest

from app.painting import drawings
from app.painting.canvas_json import View
from app.ui.canvas import easel
from app.ui.canvas.easel import easel_for
from app.ui.stage import Room
from db.actor import Actor
from studio.imaging.drawing import Stroke, StrokeKind
from tasks.services import Services
from tasks.submit import store_upload
from tests.app.ui.canvas.tabs import Tab, saved
from tests.pictures import png


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


@pytest.mark.parametrize("painted", [(50,), (20, 50, 90)])
def test_rebuilt_canvas_that_is_painted_on_loses_nothing(
    tab: Tab, painted: tuple[int, ...]
) -> None:
    """The browser shows what it was given at first; its next stroke would overwrite the rest."""
    for y in painted:
        tab.draw(y)
        tab.take()
    shown = tab.easel.generation
    tab.mount()
    tab.draw(130)
    tab.take()
    assert tab.lines() == [2 * y for y in (*painted, 130)]
    assert tab.easel.lost == 0
    assert tab.easel.generation > shown


def test_rebuilt_canvas_that_tells_late_loses_nothing(tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    tab.mount()
    tab.draw(130)
    late = list(tab.objects)
    tab.easel.show()
    tab.objects = late
    tab.send()
    tab.take()
    assert tab.lines() == [100, 260]


def test_rebuilt_canvas_that_is_not_painted_on_is_given_the_drawing(tab: Tab) -> None:
    tab.draw(50)
    tab.take()
    shown = tab.easel.generation
    tab.mount()
    tab.take()
    assert tab.lines() == [100]
    assert tab.easel.generation > shown


@pytest.mark.parametrize("left", [(), (130,)])
def test_stroke_that_the_canvas_took_away_is_gone_where_its_tool_may_do_that(
    tab: Tab, left: tuple[int, ...]
) -> None:
    tab.easel.let_change()
    tab.draw(50)
    tab.take()
    tab.mount()
    for y in left:
        tab.draw(y)
    tab.take()
    assert tab.lines() == [2 * y for y in left]


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


def test_canvas_built_once_more_as_it_goes_takes_no_stroke_back(
    services: Services, tab: Tab
) -> None:
    tab.draw(50)
    tab.take()
    easel_for(services, tab.actor, store_upload(services, "dog.png", png(2)))
    tab.mount()
    tab.take()
    assert tab.lines() == [100]
    assert len(saved(services, tab).strokes) == 1


def test_picture_comes_back_to_a_canvas_that_never_went(services: Services, tab: Tab) -> None:
    """The run that was to show another picture was broken off before the canvas had gone."""
    tab.draw(50)
    tab.take()
    easel_for(services, tab.actor, store_upload(services, "dog.png", png(2)))
    again = easel_for(services, tab.actor, tab.picture)
    assert again.view == View(0, 0, 600, 400, 300, 200)
    tab.mount()
    tab.draw(90)
    tab.take()
    assert tab.lines() == [100, 180]


def test_late_stroke_of_a_picture_set_aside_leaves_what_follows_it_late(
    services: Services, tab: Tab
) -> None:
    tab.draw(50)
    tab.take()
    tab.draw(90)
    easel_for(services, tab.actor, store_upload(services, "dog.png", png(2)))
    tab.take()
    tab.mount()
    tab.objects = tab.objects[:1]  # built once more as it goes, before the strokes are on it
    tab.send()
    tab.take()
    assert tab.lines() == [100, 180]


def test_picture_whose_steps_were_let_go_of_is_loaded_though_its_canvas_is_still_there(
    services: Services, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab.draw(50)
    tab.take()
    monkeypatch.setattr(easel, "_EASELS", 1)
    easel_for(services, tab.actor, store_upload(services, "dog.png", png(2)))
    again = easel_for(services, tab.actor, tab.picture)
    assert again is not tab.easel
    assert again.drawing.strokes == tab.easel.drawing.strokes


def test_taken_strokes_are_counted_and_what_a_canvas_tells_as_it_loads_is_not(tab: Tab) -> None:
    tab.draw(50)
    tab.draw(50)
    tab.take()
    assert tab.easel.taken == 2
    tab.easel.show()
    tab.mount()
    tab.take()
    assert tab.easel.taken == 2


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
