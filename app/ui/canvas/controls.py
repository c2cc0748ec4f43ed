"""Below the canvas: steps back and forward, zoom, and strokes that can be brought back."""

from __future__ import annotations

import streamlit as st

from app import drawings
from app.ui.canvas.easel import Easel
from app.ui.format import count

ZOOMS = (1, 2, 4, 8)


def draw_controls(easel: Easel) -> None:
    """Undo, redo, clear and zoom in one row."""
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


def offer_lost(easel: Easel) -> None:
    """Say what vanished or was painted in another tab, and how to get it."""
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


def stroke_count(easel: Easel) -> str:
    """How much is painted, in words that say that it is safe."""
    strokes = len(easel.drawing.strokes)
    return f"{count(strokes, 'stroke')}, saved" if strokes else "Nothing painted yet"
