"""The bar above the canvas: own markup and script, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

_ASSETS = Path(__file__).parent / "assets"


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
        brush_px: size of the ring that follows the pointer, in canvas pixels; 0 shows none.
        tool: its name; "Eraser" and "Adjust" look different.
        tint: address of the mask that lies beneath the strokes; empty when there is none.
        map: address of the whole picture, small; empty when all of it is in view.
        frame: left, top, width and height of the view in the picture, as parts of its sides.
        room: what was measured before.

    """

    generation: int
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
        step: "undo" or "redo" by the keyboard, else empty.
        look_at: where the map was clicked, as parts of its sides.
        is_rebuilt: whether the canvas lost what was drawn since it was given a drawing.

    """

    room: Room | None
    step: str
    look_at: tuple[float, float] | None
    is_rebuilt: bool


_bar = st.components.v2.component(
    "darkroom_stage",
    html=(_ASSETS / "stage.html").read_text(),
    css=(_ASSETS / "stage.css").read_text(),
    js=(_ASSETS / "stage.js").read_text(),
)


def style() -> None:
    """The style of a page with a canvas; once a page."""
    st.html(_ASSETS / "canvas.css")


def stage_bar(look: StageLook, *, key: str, on_event: Callable[[StageEvents], None]) -> Room | None:
    """Draw the bar for the canvas in the same container, whose key begins with ``stage-``.

    ``on_event`` is called before the page runs again. Returns the measured room, None until
    the browser has told.
    """

    def tell() -> None:
        on_event(_events(st.session_state[key]))

    result = _bar(
        key=key,
        data=asdict(look),
        default={"room": None},
        on_room_change=tell,
        on_step_change=tell,
        on_look_at_change=tell,
        on_rebuilt_change=tell,
    )
    return _events(result).room


def _events(values: Mapping[str, Any]) -> StageEvents:
    room, look_at = values.get("room"), values.get("look_at")
    return StageEvents(
        room=Room(int(room["width"]), int(room["height"])) if room else None,
        step=values.get("step") or "",
        look_at=(float(look_at[0]), float(look_at[1])) if look_at else None,
        is_rebuilt=bool(values.get("rebuilt")),
    )
