"""The new faces: uploads and saved faces in one numbered row."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.faces import found_faces
from app.saved_faces import saved_faces
from app.ui.faceswap.library import ask_save, show_library
from app.ui.faceswap.search import face_picture
from app.ui.toolpage import ToolPage
from app.ui.uploader import Chosen, Tray, pick_files
from db.models import Job
from db.states import JobState

MAX_SOURCES = 8


def ask_sources(page: ToolPage, sources: Tray, searches: dict[str, Job]) -> None:
    """A drop zone and the saved faces, above what was chosen of both."""
    if len(sources.chosen) < MAX_SOURCES:
        label = "Faces to put in"
        pick_files(page.services, sources, key="faceswap.source", limit=MAX_SOURCES, label=label)
    library = saved_faces(page.services, page.actor)
    if library:
        show_library(page, sources, library, limit=MAX_SOURCES)
    if not sources.chosen:
        return
    saved = {face.blob_sha256 for face in library}
    with st.grid(min_column_width=140, gap="small", key="sources") as grid:
        for number, one in enumerate(sources.chosen):
            with grid.cell(), st.container(key=f"source-{number}", gap="xsmall"):
                _show_source(number, one, searches.get(one.file.sha256))
                _offer_keeping(page, sources, number, is_saved=one.file.sha256 in saved)


def _show_source(number: int, one: Chosen, search: Job | None) -> None:
    regions = found_faces(search) if search else ()
    name = escape(one.file.file_name)
    st.html(
        f"{face_picture(search, one.thumbnail, f'Source {number + 1}')}"
        f'<p class="dr-face"><b>Source {number + 1}</b>'
        f'<span class="dr-muted" title="{name}">{name}</span>'
        f"{_describe_source(search, len(regions))}</p>"
    )


def _describe_source(search: Job | None, faces: int) -> str:
    """Markup of which face is used, or why none can be."""
    if search and search.state is not JobState.SUCCEEDED:
        reason = search.error_message or "The search for faces was stopped."
        return f'<span class="dr-warn">{escape(reason)}</span>'
    if search and not faces:
        return '<span class="dr-warn">No face found: choose another picture</span>'
    return f"<span>{faces} faces, the largest is used</span>" if faces > 1 else ""


def _offer_keeping(page: ToolPage, sources: Tray, number: int, *, is_saved: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        if is_saved:
            st.html('<span class="dr-pill dr-succeeded">Saved</span>')
        else:
            with st.popover("Save", icon=":material/bookmark_add:"):
                ask_save(page, sources.chosen[number])
        if st.button(
            "",
            key=f"source-{number}.remove",
            icon=":material/close:",
            help=f"Remove source {number + 1}",
            type="tertiary",
        ):
            sources.chosen.pop(number)
            st.rerun()
