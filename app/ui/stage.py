"""The bar above the canvas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.ui.component import component
from app.ui.guard import acting
from app.ui.words import _
from db.actor import Actor

_ASSETS = Path(__file__).parent / "assets"
_STEPPED = "stage.stepped"
STEPS = ("undo", "redo")
_MAX_SIDE_PX = 4_000
"""Wider windows show no more of a picture."""


@dataclass(frozen=True, slots=True)
class Room:
    """CSS pixels there are for a canvas: the width of its column, the height of the window."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class StageLook:
    """What the browser adds to the canvas.

    Attributes:
        generation: changes whenever the canvas is given another drawing to show.
        taken: how many of the strokes that the canvas told were taken.
        brush_px: size of the ring that follows the pointer, in canvas pixels; 0 shows none.
        tool: its name; "Eraser" and "Adjust" look different.
        tint: address of the mask that lies beneath the strokes; empty when there is none.
        map: address of the whole picture, small; empty when all of it is in view.
        frame: left, top, width and height of the view in the picture, as parts of its sides.
        room: what was measured before.

    """

    generation: int
    taken: int
    brush_px: float
    tool: str
    tint: str
    map: str
    frame: tuple[float, float, float, float]
    room: Room | None


@dataclass(frozen=True, slots=True)
class StageEvents:
    """What happened in the browser since the last run.

    Attributes:
        room: the measured room; None before the browser has told.
        steps: number and name of each "undo" and "redo" by the keyboard, and of each "stroke"
            told again, that was not taken yet: see ``mark_stepped``.
        look_at: where the map was clicked, as parts of its sides.
        is_rebuilt: whether the canvas lost what was drawn since it was given a drawing.

    """

    room: Room | None
    steps: Sequence[tuple[int, str]]
    look_at: tuple[float, float] | None
    is_rebuilt: bool


_bar = component("stage")


def style() -> None:
    """The style of a page with a canvas; once a page."""
    st.html(_ASSETS / "canvas.css")


def stage_bar(
    look: StageLook, *, key: str, on_event: Callable[[Actor, StageEvents], None]
) -> Room | None:
    """Draw the bar for the canvas in the same container, whose key begins with ``stage-``.

    ``on_event`` is called before the page runs again and marks each step that it has taken, as
    others are told again. Returns the measured room, None until the browser has told.
    """

    @acting
    def tell(actor: Actor) -> None:
        values = st.session_state.get(key)  # none of a bar that went while it told
        if values is not None:
            on_event(actor, read_events(values))

    result = _bar(
        key=key,
        data=asdict(look) | {"stepped": _stepped(), "words": _words()},
        default={"room": None, "steps": []},
        on_room_change=tell,
        on_steps_change=tell,
        on_look_at_change=tell,
        on_rebuilt_change=tell,
    )
    return read_events(result).room


def mark_stepped(number: int) -> None:
    """The step ``number`` is done, or never will be: it is told no more."""
    st.session_state[_STEPPED] = max(_stepped(), number)


def _words() -> Mapping[str, str]:
    """What the bar and the canvas's own buttons say, by the names that their markup has."""
    return {
        "bar": _("Mask"),
        "toggle": _("Mask"),
        "peek": _("Hold to see the picture"),
        "map": _("The whole picture; click to move the view"),
        "Bring forward": _("Bring forward"),
        "Send backward": _("Send backward"),
        "Delete selected": _("Delete selected"),
    }


def _stepped() -> int:
    """Number of the last step by the keyboard, or stroke told again, that was taken in this tab."""
    return int(st.session_state.get(_STEPPED, 0))


def read_events(values: Mapping[str, Any]) -> StageEvents:
    """What the bar's ``values`` tell that is not marked as taken."""
    room, look_at = values.get("room"), values.get("look_at")
    return StageEvents(
        room=Room(_side(room["width"]), _side(room["height"])) if room else None,
        steps=[
            (int(number), step)
            for number, step in values.get("steps") or ()
            if number > _stepped() and step in (*STEPS, "stroke")
        ],
        look_at=(float(look_at[0]), float(look_at[1])) if look_at else None,
        is_rebuilt=bool(values.get("rebuilt")),
    )


def _side(told_px: float) -> int:
    """A side of a room as a window may have it: views are made as large as is told."""
    return int(min(max(told_px, 1), _MAX_SIDE_PX))
