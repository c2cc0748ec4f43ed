"""Runs as cards: a picture, a state, a name; the whole card leads to the run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.navigation import RUN
from app.ui.format import ago, markdown_safe
from app.ui.links import thumbnail_url
from app.ui.states import STATE_ICONS, sentence, state_pill
from db.repositories.history import JobRow
from db.states import JobState
from db.types import Visibility
from studio.tools.spec import TOOLS


def cards(
    rows: Sequence[JobRow],
    *,
    key: str,
    page: str = RUN,
    parameter: str = "id",
    show_tool: bool = False,
    show_owner: bool = False,
    min_width_px: int = 160,
) -> None:
    """A grid of ``rows`` that folds to one column on a phone; each leads to ``page``."""
    with st.grid(min_column_width=min_width_px, gap="small", key=f"grid-{key}") as grid:
        for row in rows:
            with grid.cell(), st.container(key=f"card-{key}-{row.id.hex}", gap="xxsmall"):
                st.html(_picture(row))
                st.page_link(
                    page,
                    label=markdown_safe(row.title) or TOOLS[row.tool].title,
                    icon="",
                    query_params={parameter: str(row.id)},
                )
                st.html(_caption(row, show_tool=show_tool, show_owner=show_owner))


def _picture(row: JobRow) -> str:
    if row.preview_sha256:
        shown = f'<img src="{thumbnail_url(row.preview_sha256)}" alt="" loading="lazy">'
    else:
        shown = (
            f'<span class="dr-blank"><span class="dr-icon">{STATE_ICONS[row.state]}</span></span>'
        )
    pill = "" if row.state is JobState.SUCCEEDED else state_pill(row.state)
    star = '<span class="dr-star" title="Starred">★</span>' if row.starred else ""
    return f'<div class="dr-thumb">{shown}{pill}{star}</div>'


def _caption(row: JobRow, *, show_tool: bool, show_owner: bool) -> str:
    parts = [TOOLS[row.tool].title] if show_tool else []
    parts.append(ago(row.queued_at))
    if show_owner:
        parts.append(row.owner_name)
    if row.visibility is Visibility.PRIVATE:
        parts.append("private")
    reason = ""
    if row.state is JobState.FAILED and row.error_message:
        reason = f'<p class="dr-reason">{sentence(row.error_message)}</p>'
    return f'<span class="dr-muted dr-small">{escape(" · ".join(parts))}</span>{reason}'
