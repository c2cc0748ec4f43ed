"""Runs as cards: a picture, a state, a name; the whole card leads to the run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st
from streamlit.navigation.page import Page

from app.runs.addresses import thumbnail_url
from app.ui.literal import literal
from app.ui.moments import when
from app.ui.navigation import RUN
from app.ui.states import STATE_ICONS, sentence, state_pill
from app.ui.words import _, said
from db.repositories.history import JobRow
from db.states import JobState
from db.types import Visibility
from studio.tools.registry import tool_title


def cards(
    rows: Sequence[JobRow],
    *,
    key: str,
    page: str | Page = RUN,
    parameter: str = "id",
    show_tool: bool = False,
    show_owner: bool = False,
    are_steps: bool = False,
    min_width_px: int = 160,
) -> None:
    """A grid of ``rows`` that folds to one column on a phone; each leads to ``page``.

    Those that ``are_steps`` of a chain have the same name, so number and tool tell them apart.
    """
    with st.grid(min_column_width=min_width_px, gap="small", key=f"grid-{key}") as grid:
        for number, row in enumerate(rows, 1):
            tool = said(tool_title(row.tool))
            step = _("{number}. {tool}", number=number, tool=literal(tool))
            with grid.cell(), st.container(key=f"card-{key}-{row.id.hex}", gap="xxsmall"):
                st.html(_picture(row))
                st.page_link(
                    page,
                    label=step if are_steps else literal(row.title) or tool,
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
    starred = escape(_("Starred"))
    star = f'<span class="dr-star" title="{starred}">★</span>' if row.starred else ""
    return f'<div class="dr-thumb">{shown}{pill}{star}</div>'


def _caption(row: JobRow, *, show_tool: bool, show_owner: bool) -> str:
    parts = [escape(said(tool_title(row.tool)))] if show_tool else []
    parts.append(when(row.queued_at))
    if show_owner:
        parts.append(escape(row.owner_name))
    if row.visibility is Visibility.PRIVATE:
        parts.append(escape(_("private")))
    reason = ""
    if row.error_message:
        reason = f'<p class="dr-reason">{sentence(row.error_message)}</p>'
    return f'<span class="dr-muted dr-small">{" · ".join(parts)}</span>{reason}'
