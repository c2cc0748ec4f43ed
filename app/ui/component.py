"""Components of our own: markup, style and script by one name, nothing fetched from elsewhere."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_ASSETS = Path(__file__).parent / "assets"


def component(name: str) -> ComponentRenderer:
    """What lies in the assets under ``name``; its script calls ``begin`` of ``calls.js`` first."""
    return st.components.v2.component(
        f"darkroom_{name}",
        html=_text(f"{name}.html"),
        css=_text(f"{name}.css"),
        js=_text("calls.js") + _text(f"{name}.js"),
    )


def _text(file_name: str) -> str:
    return (_ASSETS / file_name).read_text(encoding="utf-8")
