"""Drawings kept under a name: used on the picture that is painted, saved from it, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from app.painting import drawings
from app.ui.asked import once, turn
from app.ui.canvas.easel import Easel
from app.ui.guard import acting
from app.ui.literal import literal
from app.ui.passing import drawn_part, leave, left
from app.ui.words import _
from db.actor import Actor
from tasks.files import StoredFile
from tasks.services import Services

_KEEP = "named.keep"
_NAMELESS = "named.nameless"


def offer_named(actor: Actor, easel: Easel, others: Sequence[StoredFile]) -> None:
    """What is kept under a name, and a copy of what is painted on the ``others`` of the tray."""
    with st.popover(_("Saved drawings"), icon=":material/bookmark:"):
        if easel.drawing.strokes:
            _ask_name(easel)
            if others:
                _offer_copies(easel, others)
        kept = drawings.named_drawings(easel.services, actor)
        if not kept:
            st.caption(_("Save a drawing under a name to use it again, on other pictures too."))
        for one in kept:
            with st.container(horizontal=True, vertical_alignment="center", key=f"named-{one.id}"):
                st.button(
                    literal(one.name),
                    icon=":material/add:",
                    help=_("Add it to this picture, stretched to its size."),
                    on_click=acting(_add_strokes),
                    args=(easel, one.id),
                    key=f"named.{one.id}.use",
                    width="stretch",
                )
                st.button(
                    _("Delete"),
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=acting(_forget),
                    args=(easel.services, one.id),
                    key=f"named.{one.id}.forget",
                )


def _ask_name(easel: Easel) -> None:
    name_key = f"named.name-{turn(_KEEP)}"
    with st.form("named", border=False):
        st.text_input(_("Name"), max_chars=100, key=name_key, placeholder=_("Logo, date…"))
        st.form_submit_button(
            _("Save this drawing"),
            icon=":material/bookmark_add:",
            key=f"{_KEEP}-{turn(_KEEP)}",
            on_click=once(_KEEP, _keep),
            args=(easel, name_key, drawn_part()),
        )
    if left(_NAMELESS):
        st.error(_("Give it a name first."))


def _keep(actor: Actor, easel: Easel, name_key: str, part: str) -> None:
    name = st.session_state[name_key].strip()
    if not name:
        leave(_NAMELESS, True, part=part)
        return
    drawings.keep_by_name(easel.services, actor, easel.picture, name, easel.whole(actor))


def _offer_copies(easel: Easel, others: Sequence[StoredFile]) -> None:
    st.button(
        _("Paint it on the other pictures, too"),
        icon=":material/content_copy:",
        help=_("It is stretched to the size of each; what is painted there stays."),
        key="canvas.copy",
        on_click=once("canvas.copy", _copy),
        args=(easel, others),
    )


def _copy(actor: Actor, easel: Easel, others: Sequence[StoredFile]) -> None:
    drawings.copy_to(easel.services, actor, easel.whole(actor), others)


def _forget(actor: Actor, services: Services, drawing_id: UUID) -> None:
    drawings.forget_named(services, actor, drawing_id)


def _add_strokes(actor: Actor, easel: Easel, drawing_id: UUID) -> None:
    more = drawings.read_named(easel.services, actor, drawing_id)
    if more is None:  # deleted in another tab, as the list is about to say
        return
    strokes = (*easel.drawing.strokes, *drawings.fit(more, easel.picture).strokes)
    easel.replace(actor, easel.drawing.with_strokes(strokes))
