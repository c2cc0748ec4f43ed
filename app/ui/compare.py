"""The before/after slider: own markup and script, nothing fetched from elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

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
    html=(_ASSETS / "compare.html").read_text(),
    css=(_ASSETS / "compare.css").read_text(),
    js=(_ASSETS / "compare.js").read_text(),
)


def compare(pictures: Comparison, *, key: str) -> None:
    """Show both pictures in one frame with a line to drag between them."""
    _slider(key=key, data=asdict(pictures))
