"""The drop zone for weight files: straight to disk, whatever their size."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_ASSETS = Path(__file__).parent / "assets"

_zone = st.components.v2.component(
    "darkroom_weight_drop",
    html=(_ASSETS / "weight_drop.html").read_text(),
    css=(_ASSETS / "weight_drop.css").read_text(),
    js=(_ASSETS / "weight_drop.js").read_text(),
)


def drop_weights(model_id: str | None, *, key: str) -> None:
    """Take one file at a time; ``model_id`` says whose it is, when its bytes do not."""
    _zone(key=key, data={"model": model_id or ""})
