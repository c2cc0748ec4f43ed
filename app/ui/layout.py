"""What every page of the studio begins with."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_STYLE = Path(__file__).parent / "assets" / "studio.css"


def header(title: str, subtitle: str = "") -> None:
    """The page's heading, one line on what it is for, and the studio's style."""
    st.html(_STYLE)
    st.title(title, anchor=False)
    if subtitle:
        st.html(f'<p class="dr-muted dr-subtitle">{subtitle}</p>')
