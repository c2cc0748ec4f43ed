from __future__ import annotations

from typing import Any

import pytest

from app.painting import drawings
from app.ui import stage
from app.ui.canvas.painting import react
from app.ui.stage import StageEvents
from db.errors import DatabaseAwayError
from studio.errors import UserInputError
from studio.words import msg
from tasks.authority import NotAllowedError
from tests.app.ui.canvas.tabs import Tab, database_away, saving_fails


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
