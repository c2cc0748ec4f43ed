"""The before/after slider: own markup and script, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from app.ui.words import _

_ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the slider shows. All pictures are addresses that the browser may fetch.

    Attributes:
        title: file name, read out by screen readers.
        before: the original at display size.
        after: the result at display size.
        width_px: of the result, for the shape of the stage.
        height_px: of the result.

    """

    title: str
    before: str
    after: str
    width_px: int
    height_px: int


_slider = st.components.v2.component(
    "darkroom_compare",
    html=(_ASSETS / "compare.html").read_text(encoding="utf-8"),
    css=(_ASSETS / "compare.css").read_text(encoding="utf-8"),
    js=(_ASSETS / "compare.js").read_text(encoding="utf-8"),
)


def _words() -> Mapping[str, str]:
    """What the slider says, by the classes that its markup has."""
    return {
        "range": _("Divide between before and after"),
        "tag-before": _("Before"),
        "tag-after": _("After"),
        "broken": _("The pictures could not be loaded."),
        "zoom": _("Zoom"),
        "fit": _("Fit"),
        "hint": _("Drag to move. Drag the line, or use the arrow keys, to compare."),
    }


def compare(pictures: Comparison, *, key: str) -> None:
    """Show both pictures in one frame with a line to drag between them."""
    _slider(key=key, data=asdict(pictures) | {"words": _words()})
