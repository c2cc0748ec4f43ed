"""Below the canvas: steps back and forward, zoom, and strokes that can be brought back."""

from __future__ import annotations

import streamlit as st

from app.painting import drawings
from app.ui.canvas.easel import Easel
from app.ui.guard import acting
from app.ui.literal import literal_sentence
from app.ui.words import _, _n
from db.actor import Actor

ZOOMS = (1, 2, 4, 8)


def draw_controls(easel: Easel) -> None:
    """Undo, redo, clear and zoom in one row."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="canvas-foot"):
        st.button(
            _("Undo"),
            icon=":material/undo:",
            disabled=not easel.past,
            on_click=acting(easel.step),
            kwargs={"back": True},
            key="canvas.undo",
        )
        st.button(
            _("Redo"),
            icon=":material/redo:",
            disabled=not easel.future,
            on_click=acting(easel.step),
            kwargs={"back": False},
            key="canvas.redo",
        )
        st.button(
            _("Clear"),
            icon=":material/delete_sweep:",
            disabled=not easel.drawing.strokes,
            on_click=acting(easel.replace),
            args=(drawings.blank(easel.picture),),
            key="canvas.clear",
        )
        st.segmented_control(
            _("Zoom"),
            ZOOMS,
            default=easel.zoom,
            required=True,
            format_func=lambda times: _("Fit") if times == 1 else f"{times}×",
            on_change=acting(zoom),
            args=(easel,),
            key="canvas.zoom",
            label_visibility="collapsed",
        )


def zoom(_actor: Actor, easel: Easel) -> None:
    """Show the picture as large as was just chosen."""
    easel.look(st.session_state["canvas.zoom"], easel.centre)


def offer_lost(easel: Easel) -> None:
    """Say what was not saved, vanished or was painted in another tab, and how to get it."""
    if easel.refused:
        st.error(literal_sentence(easel.refused), icon=":material/error:")
        easel.said = easel.refused
    if easel.lost:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="lost"):
            words = _n(
                "**{n} stroke went from this drawing.** It is not lost.",
                "**{n} strokes went from this drawing.** They are not lost.",
                easel.lost,
            )
            st.markdown(f":material/history: {words}")
            st.button(_("Bring back"), on_click=acting(easel.restore), key="canvas.restore")
            st.button(
                _("Dismiss"), type="tertiary", on_click=acting(easel.dismiss), key="canvas.dismiss"
            )
    if easel.has_foreign:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="foreign"):
            words = _("**This drawing was changed in another tab, too.**")
            st.markdown(f":material/tab: {words}")
            st.button(_("Show all of it"), on_click=acting(easel.load), key="canvas.reload")


def stroke_count(easel: Easel) -> str:
    """How much is painted, in words that say that it is safe."""
    strokes = len(easel.drawing.strokes)
    if not strokes:
        return _("Nothing painted yet")
    return _n("{n} stroke, saved", "{n} strokes, saved", strokes)
