"""The person's saved faces: kept, used again, deleted. Nobody else sees them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.faces import find_search
from app.saved_faces import delete_face, save_face, stored_face
from app.security import visitor
from app.ui.faceswap.search import face_picture
from app.ui.format import markdown_safe
from app.ui.links import thumbnail_url
from app.ui.toolpage import ToolPage
from app.ui.uploader import Chosen, Tray
from db.models import SavedFace
from studio.errors import StudioError


def ask_save(page: ToolPage, one: Chosen) -> None:
    """A name to keep the face under."""
    with st.form(f"save-{one.file.sha256[:12]}", border=False, width=272):
        name = st.text_input("Name", placeholder="Whose face it is", max_chars=100)
        st.caption(
            "Only you see your saved faces, admins neither. What you run with them is seen like "
            "any run."
        )
        if not st.form_submit_button("Save face", type="primary", width="stretch"):
            return
    try:
        save_face(page.services, page.actor, one.file, name)
    except StudioError as error:
        st.error(error.message, icon=":material/error:")
        return
    st.rerun()


def show_library(
    page: ToolPage, sources: Tray, library: Sequence[SavedFace], *, limit: int
) -> None:
    """The person's own saved faces, to use, up to ``limit`` sources, or to delete."""
    label = f"Your saved faces ({len(library)})"
    with st.expander(label, icon=":material/bookmarks:", expanded=not sources.chosen):
        st.caption("Only you see them, admins neither.")
        with st.grid(min_column_width=110, gap="small", key="library") as grid:
            for face in library:
                with grid.cell(), st.container(key=f"saved-{face.id.hex}", gap="xxsmall"):
                    _show_saved(page, sources, face, is_full=len(sources.chosen) >= limit)


def _show_saved(page: ToolPage, sources: Tray, face: SavedFace, *, is_full: bool) -> None:
    # Found when it was uploaded as a source; a face in the library is never searched anew.
    search = find_search(page.services, page.actor, stored_face(face))
    picture = face_picture(search, thumbnail_url(face.blob_sha256), face.name)
    st.html(f'{picture}<p class="dr-face"><b>{escape(face.name)}</b></p>')
    is_used = face.blob_sha256 in {file.sha256 for file in sources.files}
    with st.container(horizontal=True, gap="xxsmall"):
        if st.button(
            "Used" if is_used else "Use", key=f"use-{face.id.hex}", disabled=is_used or is_full
        ):
            url = thumbnail_url(face.blob_sha256)
            sources.chosen.append(Chosen(stored_face(face), face.blob.size_bytes, url))
            st.rerun()
        if st.button(
            "",
            key=f"forget-{face.id.hex}",
            icon=":material/delete:",
            help=f"Delete {markdown_safe(face.name)}",
            type="tertiary",
        ):
            _confirm_delete(page, face)


@st.dialog("Delete this face?", icon=":material/delete:")
def _confirm_delete(page: ToolPage, face: SavedFace) -> None:
    name = markdown_safe(face.name)
    st.markdown(f"**{name}** leaves your library. Runs that used it keep their copy.")
    if st.button("Delete", type="primary", key="delete-face", on_click=_delete, args=(page, face)):
        st.rerun()


def _delete(page: ToolPage, face: SavedFace) -> None:
    delete_face(page.services, page.actor, face.id, visitor())
