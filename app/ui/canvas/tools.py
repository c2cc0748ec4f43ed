"""What the pointer does on the canvas, and how thick the brush is."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

from app.painting.canvas_json import View
from app.ui.words import _, said
from studio.words import N_

BRUSH_PX = 28
MIN_BRUSH_PX, MAX_BRUSH_PX = 2, 120


class Tool(StrEnum):
    """What the pointer does on the canvas; scripts and styles of the page know these names."""

    BRUSH = "Brush"
    ERASER = "Eraser"
    RECTANGLE = "Box"
    POLYGON = "Polygon"
    LASSO = "Lasso"
    ADJUST = "Adjust"


FREEHAND = (Tool.BRUSH, Tool.ERASER, Tool.LASSO)
"""What these paint is told when it is whole, and stays; what others do, while it still changes."""

_TITLES = {
    Tool.BRUSH: N_("Brush"),
    Tool.ERASER: N_("Eraser"),
    Tool.RECTANGLE: N_("Box"),
    Tool.POLYGON: N_("Polygon"),
    Tool.LASSO: N_("Lasso"),
    Tool.ADJUST: N_("Adjust"),
}


_ICONS = {
    Tool.BRUSH: "brush",
    Tool.ERASER: "ink_eraser",
    Tool.RECTANGLE: "crop_square",
    Tool.POLYGON: "polyline",
    Tool.LASSO: "gesture",
    Tool.ADJUST: "arrow_selector_tool",
}
_HINTS = {
    Tool.RECTANGLE: N_("Drag from corner to corner."),
    Tool.POLYGON: N_(
        "Click the corners; click the first one again to close. A click on another corner takes "
        "it away."
    ),
    Tool.LASSO: N_("Draw round what is to go; the line is closed and filled."),
    Tool.ADJUST: N_("Click a stroke to move, stretch, turn or delete it."),
}


def ask_tool() -> Tool:
    """The tools as one row of buttons."""
    return st.segmented_control(
        _("Tool"),
        list(Tool),
        default=Tool.BRUSH,
        required=True,
        format_func=lambda tool: f":material/{_ICONS[tool]}: {said(_TITLES[tool])}",
        key="canvas.tool",
        label_visibility="collapsed",
    )


def ask_brush(tool: Tool, view: View | None) -> int:
    """The brush's size in canvas pixels; 0 for tools that have none.

    With ``view``, which there is once the browser has told the room, also in the picture's.
    """
    if tool not in (Tool.BRUSH, Tool.ERASER):
        st.caption(said(_HINTS[tool]))
        return 0
    size, real = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with size:
        brush_px = st.slider(
            _("Size"),
            MIN_BRUSH_PX,
            MAX_BRUSH_PX,
            BRUSH_PX,
            key="canvas.brush",
            format="%d px",
            label_visibility="collapsed",
        )
    if view:
        with real:
            st.caption(
                _(
                    "{shown} px on screen, **{real:.0f} px** in the picture",
                    shown=brush_px,
                    real=brush_px / view.scale,
                )
            )
    return brush_px
