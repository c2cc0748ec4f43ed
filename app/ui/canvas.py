"""Painting a mask on a picture: tools, canvas, undo, zoom, and saving every stroke as it is made.

The canvas of the browser is a guest here. What counts is the drawing in the database: it is
given to the canvas, and each change that the canvas reports is saved before anything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import streamlit as st

from app import drawings
from app.fabric import (
    ERASE,
    LASSO,
    PAINT,
    Json,
    View,
    generation_of,
    recognise,
    to_canvas,
    to_strokes,
)
from app.mask_preview import tint_png
from app.picture_views import data_address, view_jpeg
from app.ui.format import count
from app.ui.stage import Room, StageEvents, StageLook, stage_bar
from db.actor import Actor
from studio.imaging.drawing import Drawing, StrokeKind, painted
from studio.imaging.picture import Pixels
from tasks.files import StoredFile
from tasks.services import Services

ZOOMS = (1, 2, 4, 8)
BRUSH_PX = 28
MIN_BRUSH_PX, MAX_BRUSH_PX = 2, 120

_MAX_ENLARGEMENT = 4.0
"""A small picture is shown up to this much larger, so that there is something to paint on."""
_MIN_HEIGHT_PX, _MAX_HEIGHT_PX = 320, 680
_ROOM_BELOW_PX = 260
_MAP_SIDE_PX = 200
_OUTLINE_PX = 1
_LASSO_PX = 2
_STEPS = 100
_LATE_GENERATIONS = 8


class Tool(StrEnum):
    """What the pointer does on the canvas."""

    BRUSH = "Brush"
    ERASER = "Eraser"
    RECTANGLE = "Box"
    POLYGON = "Polygon"
    LASSO = "Lasso"
    ADJUST = "Adjust"


_ICONS = {
    Tool.BRUSH: "brush",
    Tool.ERASER: "ink_eraser",
    Tool.RECTANGLE: "crop_square",
    Tool.POLYGON: "polyline",
    Tool.LASSO: "gesture",
    Tool.ADJUST: "arrow_selector_tool",
}
_HINTS = {
    Tool.RECTANGLE: "Drag from corner to corner.",
    Tool.POLYGON: "Click the corners; click the first one again to close. A click on another "
    "corner takes it away.",
    Tool.LASSO: "Draw round what shall go; the line is closed and filled.",
    Tool.ADJUST: "Click a stroke to move, stretch, turn or delete it.",
}
_MODES = {Tool.RECTANGLE: "rect", Tool.POLYGON: "polygon"}
_COLOURS = {Tool.ERASER: ERASE, Tool.LASSO: LASSO}

Beneath = Callable[[View], Pixels | None]
"""What is masked before anything is painted, as a view shows it, ``uint8 (H, W)``."""


@dataclass(slots=True)
class Easel:
    """What one tab paints on one picture.

    Attributes:
        drawing: what the canvas holds, as far as it has told.
        shown: what the canvas was given in this generation.
        generation: raised whenever the canvas is given something else to show.
        views: of this generation and the last few, for strokes that come late.
        lost: strokes that vanished and can be brought back.
        has_foreign: whether another tab has painted what this one does not show.
        zoom: how many times larger than when all of the picture is in view.
        centre: of the view, as parts of the picture's sides.
        received: what the canvas told last.

    """

    services: Services
    actor: Actor
    picture: StoredFile
    drawing: Drawing
    shown: Drawing
    generation: int = 0
    views: dict[int, View] = field(default_factory=dict)
    lost: int = 0
    has_foreign: bool = False
    zoom: int = 1
    centre: tuple[float, float] = (0.5, 0.5)
    room: Room | None = None
    received: object = None
    past: deque[Drawing] = field(default_factory=lambda: deque(maxlen=_STEPS))
    future: deque[Drawing] = field(default_factory=lambda: deque(maxlen=_STEPS))

    @property
    def key(self) -> str:
        """Of the canvas among the widgets."""
        return f"canvas.{self.picture.sha256[:16]}"

    @property
    def view(self) -> View:
        """What the canvas shows now; there must be room for it."""
        return self.views[self.generation]

    def load(self) -> None:
        """Take up what is saved, by whichever tab."""
        self._adopt(drawings.load_sheet(self.services, self.actor, self.picture))
        self.show()

    def show(self) -> None:
        """Give the canvas the drawing as it is now."""
        st.session_state["canvas.generation"] = st.session_state.get("canvas.generation", 0) + 1
        self.generation = st.session_state["canvas.generation"]
        self.shown = self.drawing
        if self.room:
            self.views[self.generation] = _view(self)
        for late in list(self.views)[:-_LATE_GENERATIONS]:
            del self.views[late]

    def fit(self, room: Room) -> None:
        """Give the canvas the size that there is room for."""
        if room != self.room:
            self.room = room
            self.show()

    def look(self, zoom: int, centre: tuple[float, float]) -> None:
        """Show another part of the picture."""
        self.zoom, self.centre = zoom, centre
        self.show()

    def take(self) -> None:
        """Save what the canvas has told since the last time."""
        told = _told(st.session_state.get(self.key))
        if told is None or told == self.received:
            return
        self.received = told
        generation = generation_of(told)
        view = self.views.get(generation) if generation is not None else None
        if view is None:
            return
        strokes = recognise(to_strokes(told, view), self.drawing.strokes, view)
        if generation == self.generation:
            self.change(self.drawing.model_copy(update={"strokes": strokes}))
            return
        # Made while the canvas was being given something else: it will not show them by itself.
        late = [stroke for stroke in strokes if stroke not in self.drawing.strokes]
        if late and len(strokes) - len(late) >= len(self.drawing.strokes) - 1:
            more = (*self.drawing.strokes, *late)
            self.change(self.drawing.model_copy(update={"strokes": more}))
            self.show()

    def change(self, after: Drawing) -> None:
        """Save that the drawing became ``after``."""
        if after.strokes == self.drawing.strokes:
            return
        self.past.append(self.drawing)
        self.future.clear()
        self._save(after)

    def replace(self, after: Drawing) -> None:
        """Save that the drawing became ``after`` by other means than the canvas."""
        self.take()
        self.change(after)
        self.show()

    def step(self, *, back: bool) -> None:
        """Undo one change, or make it again."""
        self.take()
        source, target = (self.past, self.future) if back else (self.future, self.past)
        if not source:
            return
        target.append(self.drawing)
        self._save(source.pop(), is_step=True)
        self.show()

    def restore(self) -> None:
        """Bring back what vanished."""
        self.take()
        self.past.append(self.drawing)
        self._adopt(drawings.restore_previous(self.services, self.actor, self.picture))
        self.show()

    def dismiss(self) -> None:
        """Forget what vanished."""
        drawings.dismiss_previous(self.services, self.actor, self.picture)
        self.lost = 0

    def _save(self, after: Drawing, *, is_step: bool = False) -> None:
        sheet = drawings.save_change(
            self.services, self.actor, self.picture, self.drawing, after, is_step=is_step
        )
        self.drawing = after
        self.has_foreign = sheet.drawing.strokes != after.strokes
        self.lost = _lost(sheet)

    def _adopt(self, sheet: drawings.Sheet) -> None:
        self.drawing = sheet.drawing
        self.has_foreign = False
        self.lost = _lost(sheet)


def easel_for(services: Services, actor: Actor, picture: StoredFile) -> Easel:
    """This tab's easel for ``picture``, with what is saved when it was away."""
    easels: dict[str, Easel] = st.session_state.setdefault("easels", {})
    easel = easels.get(picture.sha256)
    if easel is None:
        blank = drawings.blank(picture)
        easel = easels[picture.sha256] = Easel(services, actor, picture, blank, blank)
    if easel.key not in st.session_state:  # the canvas is not on the page: it begins anew
        easel.received = None
        easel.load()
    easel.take()
    return easel


def paint(easel: Easel, beneath: Beneath) -> None:
    """Draw the tools and the canvas, and save what was painted since the last run.

    Call it within a fragment: runs of the whole page may rebuild the canvas.
    """
    with st.container(key="canvas-tools", gap="small"):
        tool = _ask_tool()
        brush_px = _ask_brush(easel, tool)
    with st.container(key=f"stage-{easel.picture.sha256[:16]}", gap="small"):
        room = _draw_bar(easel, tool, brush_px, beneath)
        if room is None:
            st.html('<div class="dr-canvas-wait"></div>')
            return
        easel.fit(room)
        _draw_canvas(easel, tool, brush_px)
        easel.take()
    _draw_foot(easel)
    _offer_lost(easel)


def stroke_count(easel: Easel) -> str:
    """How much is painted, in words that say that it is safe."""
    strokes = len(easel.drawing.strokes)
    return f"{count(strokes, 'stroke')}, saved" if strokes else "Nothing painted yet"


def _ask_tool() -> Tool:
    return st.segmented_control(
        "Tool",
        list(Tool),
        default=Tool.BRUSH,
        required=True,
        format_func=lambda tool: f":material/{_ICONS[tool]}: {tool}",
        key="canvas.tool",
        label_visibility="collapsed",
    )


def _ask_brush(easel: Easel, tool: Tool) -> int:
    """The brush's size in canvas pixels; 0 for tools that have none."""
    if tool not in (Tool.BRUSH, Tool.ERASER):
        st.caption(_HINTS[tool])
        return 0
    size, real = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with size:
        brush_px = st.slider(
            "Size",
            MIN_BRUSH_PX,
            MAX_BRUSH_PX,
            BRUSH_PX,
            key="canvas.brush",
            format="%d px",
            label_visibility="collapsed",
        )
    if easel.room:
        with real:
            real_px = brush_px / easel.view.scale
            st.caption(f"{brush_px} px on screen, **{real_px:,.0f} px** in the picture")
    return brush_px


def _draw_bar(easel: Easel, tool: Tool, brush_px: int, beneath: Beneath) -> Room | None:
    is_zoomed = easel.zoom > 1 and easel.room is not None
    return (
        stage_bar(
            StageLook(
                generation=easel.generation,
                brush_px=brush_px,
                tool=tool,
                tint=_tint(easel, beneath) if easel.room else "",
                map=_map(easel) if is_zoomed else "",
                frame=_frame(easel) if is_zoomed else (0.0, 0.0, 1.0, 1.0),
                room=easel.room,
            ),
            key=f"{easel.key}.bar",
            on_event=lambda events: _react(easel, events),
        )
        or easel.room
    )


def _react(easel: Easel, events: StageEvents) -> None:
    easel.take()
    if events.room:
        easel.fit(events.room)
    if events.step:
        easel.step(back=events.step == "undo")
    if events.look_at:
        easel.look(easel.zoom, events.look_at)
    if events.is_rebuilt:
        easel.show()


def _draw_canvas(easel: Easel, tool: Tool, brush_px: int) -> None:
    # It can be imported only once Streamlit's server runs, which then knows its files.
    from streamlit_drawable_canvas import st_canvas

    view = easel.view
    st_canvas(
        fill_color=PAINT,
        stroke_color=_COLOURS.get(tool, PAINT),
        stroke_width=brush_px or (_LASSO_PX if tool is Tool.LASSO else _OUTLINE_PX),
        background_image=view_jpeg(easel.picture, view),
        width=view.canvas_width_px,
        height=view.canvas_height_px,
        drawing_mode=_MODES.get(tool, "freedraw"),
        initial_drawing=to_canvas(easel.shown, view, easel.generation),
        key=easel.key,
    )


def _draw_foot(easel: Easel) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="canvas-foot"):
        st.button(
            "Undo",
            icon=":material/undo:",
            disabled=not easel.past,
            on_click=easel.step,
            kwargs={"back": True},
            key="canvas.undo",
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            disabled=not easel.future,
            on_click=easel.step,
            kwargs={"back": False},
            key="canvas.redo",
        )
        st.button(
            "Clear",
            icon=":material/delete_sweep:",
            disabled=not easel.drawing.strokes,
            on_click=easel.replace,
            args=(drawings.blank(easel.picture),),
            key="canvas.clear",
        )
        st.segmented_control(
            "Zoom",
            ZOOMS,
            default=easel.zoom,
            required=True,
            format_func=lambda zoom: "Fit" if zoom == 1 else f"{zoom}×",
            on_change=lambda: easel.look(st.session_state["canvas.zoom"], easel.centre),
            key="canvas.zoom",
            label_visibility="collapsed",
        )


def _offer_lost(easel: Easel) -> None:
    if easel.lost:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="lost"):
            st.markdown(
                f":material/history: **{count(easel.lost, 'stroke')} went from this drawing.** "
                "They are not lost."
            )
            st.button("Bring back", on_click=easel.restore, key="canvas.restore")
            st.button("Dismiss", type="tertiary", on_click=easel.dismiss, key="canvas.dismiss")
    if easel.has_foreign:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="foreign"):
            st.markdown(":material/tab: **This drawing was changed in another tab, too.**")
            st.button("Show all of it", on_click=easel.load, key="canvas.reload")


def _told(state: object) -> Json | None:
    """What a canvas's state says is on it."""
    drawing = state.get("drawing") if hasattr(state, "get") else None
    return drawing["raw"] if drawing else None


def _lost(sheet: drawings.Sheet) -> int:
    if sheet.previous is None:
        return 0
    there = set(sheet.drawing.strokes)
    return sum(stroke not in there for stroke in sheet.previous.strokes)


def _view(easel: Easel) -> View:
    """As much of the picture as the room takes, round the centre, within the picture."""
    room = easel.room or Room(1, 1)
    width, height = easel.drawing.width_px, easel.drawing.height_px
    most_high = min(max(room.height - _ROOM_BELOW_PX, _MIN_HEIGHT_PX), _MAX_HEIGHT_PX)
    whole = min(room.width / width, most_high / height, _MAX_ENLARGEMENT)
    shown_width, shown_height = width / easel.zoom, height / easel.zoom
    x, y = easel.centre
    return View(
        left=min(max(width * x - shown_width / 2, 0), width - shown_width),
        top=min(max(height * y - shown_height / 2, 0), height - shown_height),
        width=shown_width,
        height=shown_height,
        canvas_width_px=max(round(width * whole), 1),
        canvas_height_px=max(round(height * whole), 1),
    )


def _frame(easel: Easel) -> tuple[float, float, float, float]:
    """Where the view lies, as parts of the picture's sides."""
    view, width, height = easel.view, easel.drawing.width_px, easel.drawing.height_px
    return view.left / width, view.top / height, view.width / width, view.height / height


def _map(easel: Easel) -> str:
    width, height = easel.drawing.width_px, easel.drawing.height_px
    scale = _MAP_SIDE_PX / max(width, height)
    whole = View(0, 0, width, height, max(round(width * scale), 1), max(round(height * scale), 1))
    return data_address(view_jpeg(easel.picture, whole), "image/jpeg")


def _tint(easel: Easel, beneath: Beneath) -> str:
    """What is masked and the canvas cannot show: the given mask, and the inside of lassos."""
    view, strokes = easel.view, easel.drawing.strokes
    given = beneath(view)
    on_canvas = tuple(stroke for stroke in strokes if stroke.kind is not StrokeKind.LASSO)
    if given is None and len(on_canvas) == len(strokes):
        return ""
    none = np.zeros(view.size[::-1], dtype=np.uint8)
    mask = painted(view.show(easel.drawing), *view.size, none if given is None else given)
    visible = view.show(easel.drawing.model_copy(update={"strokes": on_canvas}))
    is_shown = painted(visible, *view.size, none) > 0
    return data_address(tint_png(np.where(is_shown, np.uint8(0), mask)), "image/png")
