"""Painting a mask on a picture: the tools, the bar, the canvas and what stands below it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from app.painting.canvas_json import ERASE, LASSO, PAINT, View
from app.painting.mask_preview import tint_png
from app.painting.picture_views import data_address, view_jpeg
from app.ui.canvas.controls import draw_controls, offer_lost
from app.ui.canvas.easel import Easel
from app.ui.canvas.tools import FREEHAND, Tool, ask_brush, ask_tool
from app.ui.canvas.viewing import frame_of, map_of
from app.ui.faults import saying_faults
from app.ui.guard import acting
from app.ui.stage import STEPS, Room, StageEvents, StageLook, mark_stepped, stage_bar
from db.actor import Actor
from db.errors import DatabaseAwayError
from studio.errors import RetriableError
from studio.imaging.confined import paint_confined
from studio.imaging.drawing import Drawing, StrokeKind
from studio.imaging.picture import Pixels
from tasks.reading import reading_pool

_OUTLINE_PX = 1
_LASSO_PX = 2
_MODES = {Tool.RECTANGLE: "rect", Tool.POLYGON: "polygon"}
_COLOURS = {Tool.ERASER: ERASE, Tool.LASSO: LASSO}

Beneath = Callable[[View], Pixels | None]
"""What is masked before anything is painted, as a view shows it, ``uint8 (H, W)``."""


def paint(actor: Actor, easel: Easel, beneath: Beneath) -> None:
    """Draw the tools and the canvas, and save what was painted since the last run.

    Call it within a fragment: runs of the whole page may rebuild the canvas.
    """
    tint = ""
    with st.container(key="canvas-tools", gap="small"):
        tool = ask_tool()
        brush_px = ask_brush(tool, easel.view if easel.room else None)
        with saying_faults("the mask on the canvas"):  # the canvas must come, without it as well
            tint = _tint(easel, beneath) if easel.room else ""
    with st.container(key=f"stage-{easel.picture.sha256[:16]}", gap="small"):
        room = _draw_bar(easel, tool, brush_px, tint)
        if room is None:
            st.html('<div class="dr-canvas-wait"></div>')
            return
        easel.fit(room)
        _draw_canvas(easel, tool, brush_px)
        easel.take(actor)
    draw_controls(easel)
    offer_lost(easel)


def _draw_bar(easel: Easel, tool: Tool, brush_px: int, tint: str) -> Room | None:
    is_zoomed = easel.zoom > 1 and easel.room is not None
    return (
        stage_bar(
            StageLook(
                generation=easel.generation,
                taken=easel.taken,
                brush_px=brush_px,
                tool=tool,
                tint=tint,
                map=_map(easel) if is_zoomed else "",
                frame=frame_of(easel.view, easel.drawing) if is_zoomed else (0.0, 0.0, 1.0, 1.0),
                room=easel.room,
            ),
            key=f"{easel.key}.bar",
            on_event=lambda actor, events: react(actor, easel, events),
        )
        or easel.room
    )


def react(actor: Actor, easel: Easel, events: StageEvents) -> None:
    """Do what was done in the browser; steps only once no stroke waits that came before them."""
    is_taken = easel.take(actor)
    if events.room:
        easel.fit(events.room)
    if events.look_at:
        easel.look(easel.zoom, events.look_at)
    if events.is_rebuilt:
        easel.show()
    if is_taken:
        for number, step in events.steps:
            _walk(actor, easel, number, step)


def _walk(actor: Actor, easel: Easel, number: int, step: str) -> None:
    """Undo or redo once, however often it is told; what is only delayed is told again."""
    try:
        if step in STEPS:
            easel.step(actor, back=step == "undo")
    except (RetriableError, DatabaseAwayError):
        raise
    except Exception:
        mark_stepped(number)
        raise
    mark_stepped(number)


def _map(easel: Easel) -> str:
    return map_of(easel.services, easel.picture, easel.drawing, owner=easel.painter_id)


def _draw_canvas(easel: Easel, tool: Tool, brush_px: int) -> None:
    # It can be imported only once Streamlit's server runs, which then knows its files.
    from streamlit_drawable_canvas import st_canvas

    view = easel.view
    if tool not in FREEHAND:
        easel.let_change()
    st_canvas(
        fill_color=PAINT,
        stroke_color=_COLOURS.get(tool, PAINT),
        stroke_width=brush_px or (_LASSO_PX if tool is Tool.LASSO else _OUTLINE_PX),
        background_image=view_jpeg(easel.services, easel.picture, view, owner=easel.painter_id),
        width=view.canvas_width_px,
        height=view.canvas_height_px,
        drawing_mode=_MODES.get(tool, "freedraw"),
        initial_drawing=easel.shown,
        key=easel.key,
        on_change=acting(easel.take),  # before the page runs, which may by then be another one
    )


def _tint(easel: Easel, beneath: Beneath) -> str:
    """What is masked and the canvas cannot show: the given mask, and the inside of lassos."""
    view, strokes = easel.view, easel.drawing.strokes
    given = beneath(view)
    on_canvas = tuple(stroke for stroke in strokes if stroke.kind is not StrokeKind.LASSO)
    if given is None and len(on_canvas) == len(strokes):
        return ""
    none = np.zeros(view.size[::-1], dtype=np.uint8)
    mask = _painted(easel, view.show(easel.drawing), none if given is None else given)
    visible = view.show(easel.drawing.model_copy(update={"strokes": on_canvas}))
    is_shown = _painted(easel, visible, none) > 0
    return data_address(tint_png(np.where(is_shown, np.uint8(0), mask)), "image/png")


def _painted(easel: Easel, drawing: Drawing, beneath: Pixels) -> Pixels:
    return paint_confined(reading_pool(), drawing, beneath, file_name="", owner=easel.painter_id)
