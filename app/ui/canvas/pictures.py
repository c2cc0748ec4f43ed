"""The pictures to paint on: which of them lies on the canvas, and how far the others are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from html import escape

import streamlit as st

from app.formatting import dimensions
from app.painting import drawings
from app.ui.guard import acting
from app.ui.held import offer_removal, show_tray
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray
from app.ui.unbroken import unbroken
from app.ui.uploader import drop_zone, say_refused
from app.ui.words import _, _n, said
from db.actor import Actor
from db.repositories.drawings import StrokeCount
from tasks.files import StoredFile

_NAMED_BY = ("picture", "name")
"""Keys of the address that say which picture lies on the canvas."""
_PAINTED = "canvas.painted"
"""Which picture this tab has on its canvas, so that one taken out is not taken for a lost one."""


def painted_picture(held: Tray) -> StoredFile:
    """The picture of the tray that the address names, else the first; it is named from now on."""
    named = st.query_params.get("picture")
    picture = next((one for one in held.files if one.sha256 == named), held.files[0])
    _paint(picture)
    return picture


def reopen(page: ToolPage, held: Tray) -> None:
    """Add the picture that the address names, when it is not one of those that are held."""
    sha256 = st.query_params.get("picture")
    if not sha256 or any(file.sha256 == sha256 for file in held.files):
        return
    if sha256 == st.session_state.get(_PAINTED):
        forget(held)
        return
    blob = drawings.find_picture(page.services, page.actor, sha256)
    if blob is not None:
        name = st.query_params.get("name", "picture")
        picture = StoredFile(sha256, name, blob.media_type, blob.width_px, blob.height_px)
        held.add(picture, blob.size_bytes)


def forget(held: Tray) -> None:
    """The address names no picture any more, unless the tray still holds it."""
    st.session_state.pop(_PAINTED, None)
    if st.query_params.get("picture") not in {file.sha256 for file in held.files}:
        address = st.query_params.to_dict()
        st.query_params.from_dict({key: address[key] for key in address if key not in _NAMED_BY})


def show_pictures(
    page: ToolPage, held: Tray, painted: StoredFile, saved: Mapping[str, StrokeCount]
) -> None:
    """What is painted on, ways to other pictures, and all of the tray where it holds several."""
    with st.container(horizontal=True, vertical_alignment="center", key="picture-bar"):
        size = said(dimensions(painted.width_px, painted.height_px))
        st.html(
            f'<p class="dr-filename">{escape(painted.file_name)} '
            f'<span class="dr-muted">{size}</span></p>',
            width="stretch",
        )
        if len(held.files) == 1:
            offer_removal(held, painted, key="inpaint.remove")
        else:
            st.button(
                _("Clear"),
                type="tertiary",
                icon=":material/close:",
                key="inpaint.clear",
                on_click=acting(_clear),
                args=(held,),
            )
    with _place_to_drop(held):
        st.caption(_("Each is painted on by itself; they are run together."))
        limit = page.services.settings.max_files_per_run
        drop_zone(page.services, held, key=page.tool, limit=limit, label=_("Pictures"))
    say_refused(held, key=page.tool)  # not in the expander, which may be closed
    if len(held.files) > 1:
        others = {one.sha256: saved.get(one.sha256) for one in held.files if one != painted}
        show_tray(
            held,
            key="inpaint",
            describe=lambda file: _strokes_on(others[file.sha256]) if file != painted else "",
            below=lambda file: _offer(file, is_painted=file == painted),
        )


def _place_to_drop(held: Tray) -> AbstractContextManager[object]:
    """Where further pictures are dropped.

    A drop zone that is moved, or goes as popovers are closed, forgets what is on its way. So the
    one that took the first pictures stays on the page itself.
    """
    if held.is_in_first_zone:
        return nullcontext()
    return st.expander(_("Add pictures"), icon=":material/add_photo_alternate:")


def _strokes_on(count: StrokeCount | None) -> str:
    strokes = count.strokes if count else 0
    return _n("{n} stroke", "{n} strokes", strokes) if strokes else _("Nothing painted yet")


def _offer(file: StoredFile, *, is_painted: bool) -> None:
    st.button(
        _("Painting") if is_painted else _("Paint"),
        icon=":material/brush:",
        disabled=is_painted,
        width="stretch",
        key=f"inpaint.held.{file.sha256[:16]}.paint",
        on_click=acting(_choose),
        args=(file,),
    )


def _clear(_actor: Actor, held: Tray) -> None:
    held.empty()
    forget(held)


def _choose(_actor: Actor, file: StoredFile) -> None:
    _paint(file)


def _paint(picture: StoredFile) -> None:
    """Put the picture in the address, so that a reload shows it again."""
    with unbroken():
        st.session_state[_PAINTED] = picture.sha256
        # Together, or the way back leads by an address with the name of the other.
        st.query_params.update(picture=picture.sha256, name=picture.file_name)
