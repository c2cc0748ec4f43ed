"""What every page of the studio begins with."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from app.ui.literal import literal

PRODUCT = "Darkroom"
"""The same in every language."""

_STYLE = Path(__file__).parent / "assets" / "studio.css"


def header(title: str, subtitle: str = "") -> None:
    """The page's heading, one line on what it is for, and the studio's style."""
    st.html(_STYLE)
    name_tab(title)
    st.title(literal(title), anchor=False)
    if subtitle:
        st.html(f'<p class="dr-muted dr-subtitle">{escape(subtitle)}</p>')


def show_address() -> None:
    """Have the address bar name what the page was asked for.

    A link from a page to itself does not change it, though the page is run with what the link
    says. Nothing happens where the address is right already.
    """
    st.query_params.from_dict(st.query_params.to_dict())


def name_tab(*what: str) -> None:
    """Say in the browser's tab and its list of pages what is shown, the nearest first."""
    st.set_page_config(page_title=" · ".join([*what, PRODUCT]))
