"""The runs that another one waits for, as cards that lead to them."""

from __future__ import annotations

import streamlit as st

from app.runs.reading import awaited
from app.ui import gallery
from app.ui.words import _
from db.actor import Actor
from db.models import Job
from tasks.services import Services


def show_awaited(services: Services, actor: Actor, job: Job) -> None:
    """What a run that waits has yet to get, or never got as it was cancelled before."""
    rows = awaited(services, actor, job.id)
    if rows:
        st.subheader(_("Needed") if job.state.is_terminal else _("Waits for"), anchor=False)
        gallery.cards(rows, key=f"awaited-{job.id.hex}", show_tool=True, min_width_px=150)
