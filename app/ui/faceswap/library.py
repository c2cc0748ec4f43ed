"""The person's saved faces: kept, used again, deleted. Nobody else sees them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from uuid import UUID

import streamlit as st

from app.faces.library import delete_face, save_face, stored_face
from app.faces.search import find_searches, shows_no_face
from app.runs.addresses import thumbnail_url
from app.ui.asked import asked, once
from app.ui.faceswap.search import face_picture
from app.ui.guard import acting, dialog
from app.ui.literal import literal, literal_sentence
from app.ui.signed_in import visitor
from app.ui.toolpage import ToolPage
from app.ui.trays import Chosen, Tray
from app.ui.words import _
from db.actor import Actor
from db.models import Job, SavedFace
from studio.errors import StudioError
from studio.words import N_
from tasks.services import Services


def ask_save(page: ToolPage, one: Chosen) -> None:
    """A name to keep the face under."""
    with st.form(f"save-{one.file.sha256[:12]}", border=False, width=272):
        name = st.text_input(_("Name"), placeholder=_("Whose face it is"), max_chars=100)
        st.caption(
            _(
                "Only you see your saved faces, admins neither. What you run with them is seen "
                "like any run."
            )
        )
        asked(
            _("Save face"),
            lambda: _save(page, one, name),
            key=f"save-{one.file.sha256[:12]}.do",
            submits=True,
            type="primary",
            width="stretch",
        )


def _save(page: ToolPage, one: Chosen, name: str) -> bool:
    try:
        save_face(page.services, page.actor, one.file, name)
    except StudioError as error:
        st.error(literal_sentence(error), icon=":material/error:")
        return False
    return True


def show_library(
    page: ToolPage, sources: Tray, library: Sequence[SavedFace], *, limit: int
) -> None:
    """The person's own saved faces, to use, up to ``limit`` sources, or to delete."""
    label = _("Your saved faces ({number})", number=len(library))
    with st.expander(label, icon=":material/bookmarks:", expanded=not sources.chosen):
        st.caption(_("Only you see them, admins neither."))
        # Found when it was uploaded as a source; a face in the library is never searched anew.
        searches = find_searches(page.services, page.actor, [stored_face(face) for face in library])
        with st.grid(min_column_width=110, gap="small", key="library") as grid:
            for face in library:
                with grid.cell(), st.container(key=f"saved-{face.id.hex}", gap="xxsmall"):
                    _show_saved(
                        page,
                        sources,
                        face,
                        searches.get(face.blob_sha256),
                        is_full=len(sources.chosen) >= limit,
                    )


def _show_saved(
    page: ToolPage, sources: Tray, face: SavedFace, search: Job | None, *, is_full: bool
) -> None:
    picture = face_picture(search, thumbnail_url(face.blob_sha256), face.name)
    # Of one that was saved before the search of it had ended.
    faceless = escape(_("No face found")) if search and shows_no_face(search) else ""
    st.html(
        f'{picture}<p class="dr-face"><b>{escape(face.name)}</b>'
        f'<span class="dr-warn">{faceless}</span></p>'
    )
    is_used = face.blob_sha256 in {file.sha256 for file in sources.files}
    with st.container(horizontal=True, gap="xxsmall"):
        st.button(
            _("Used") if is_used else _("Use"),
            key=f"use-{face.id.hex}",
            disabled=is_used or is_full,
            on_click=acting(_use),
            args=(sources, face),
        )
        if st.button(
            "",
            key=f"forget-{face.id.hex}",
            icon=":material/delete:",
            help=_("Delete {name}", name=literal(face.name)),
            type="tertiary",
        ):
            _confirm_delete(page.services, face)


def _use(_actor: Actor, sources: Tray, face: SavedFace) -> None:
    sources.add(stored_face(face), face.blob.size_bytes)


@dialog(N_("Delete this face?"), icon=":material/delete:")
def _confirm_delete(_actor: Actor, services: Services, face: SavedFace) -> None:
    name = literal(face.name)
    st.markdown(_("**{name}** leaves your library. Runs that used it keep their copy.", name=name))
    st.button(
        _("Delete"),
        type="primary",
        key="delete-face",
        on_click=once(f"delete-{face.id.hex}", _delete),
        args=(services, face.id),
    )


def _delete(actor: Actor, services: Services, face_id: UUID) -> None:
    delete_face(services, actor, face_id, visitor())
