"""The new faces: uploads and saved faces in one numbered row."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.faces.library import saved_faces
from app.faces.search import found_faces
from app.ui.faceswap.library import ask_save, show_library
from app.ui.faceswap.search import face_picture, offer_search_again, reason_of
from app.ui.guard import acting
from app.ui.toolpage import ToolPage
from app.ui.trays import Chosen, Tray
from app.ui.uploader import pick_files
from app.ui.words import _, _n, said
from db.actor import Actor
from db.models import Job
from db.states import JobState

MAX_SOURCES = 8
"""What one row shows and people keep apart by number; a run takes twice as many."""


def ask_sources(page: ToolPage, sources: Tray, searches: dict[str, Job]) -> None:
    """A drop zone and the saved faces, above what was chosen of both."""
    pick_files(
        page.services,
        sources,
        key="faceswap.source",
        limit=MAX_SOURCES,
        label=_("Faces to put in"),
        invitation=_("Drop the faces to put in here"),
    )
    library = saved_faces(page.services, page.actor)
    if library:
        show_library(page, sources, library, limit=MAX_SOURCES)
    if not sources.chosen:
        return
    saved = {face.blob_sha256 for face in library}
    with st.grid(min_column_width=140, gap="small", key="sources") as grid:
        for number, one in enumerate(sources.chosen):
            with grid.cell(), st.container(key=f"source-{number}", gap="xsmall"):
                search, is_saved = searches.get(one.file.sha256), one.file.sha256 in saved
                _show_source(number, one, search)
                # A saved face is not searched: it would become part of a run that admins see.
                if search and search.state is not JobState.SUCCEEDED and not is_saved:
                    offer_search_again(page, one.file)
                _offer_keeping(page, sources, one, number, is_saved=is_saved)


def _show_source(number: int, one: Chosen, search: Job | None) -> None:
    regions = found_faces(search) if search else ()
    name = escape(one.file.file_name)
    title = _("Source {number:d}", number=number + 1)
    st.html(
        f"{face_picture(search, one.thumbnail, title)}"
        f'<p class="dr-face"><b>{escape(title)}</b>'
        f'<span class="dr-muted" title="{name}">{name}</span>'
        f"{_describe_source(search, len(regions))}</p>"
    )


def _describe_source(search: Job | None, faces: int) -> str:
    """Markup of which face is used, or why none can be."""
    if search and search.state is not JobState.SUCCEEDED:
        return f'<span class="dr-warn">{escape(said(reason_of(search)))}</span>'
    if search and not faces:
        words = _("No face found: choose another picture")
        return f'<span class="dr-warn">{escape(words)}</span>'
    if faces < 2:
        return ""
    words = _n("{n} face is used", "{n} faces, the largest is used", faces)
    return f"<span>{escape(words)}</span>"


def _offer_keeping(
    page: ToolPage, sources: Tray, one: Chosen, number: int, *, is_saved: bool
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        if is_saved:
            words = _("Saved")
            st.html(f'<span class="dr-pill dr-succeeded">{escape(words)}</span>')
        else:
            with st.popover(_("Save"), icon=":material/bookmark_add:"):
                ask_save(page, one)
        st.button(
            "",
            key=f"source-{number}.remove",
            icon=":material/close:",
            help=_("Remove source {number:d}", number=number + 1),
            type="tertiary",
            on_click=acting(_take_out),
            args=(sources, one.file.sha256),
        )


def _take_out(_actor: Actor, sources: Tray, sha256: str) -> None:
    sources.remove(sha256)
