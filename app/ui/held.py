"""What lies in a tray: each picture small, with what there is to say of it and to do with it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from app.formatting import dimensions, file_size
from app.ui.guard import acting
from app.ui.literal import literal
from app.ui.trays import Chosen, Tray
from app.ui.words import _, said
from db.actor import Actor
from tasks.files import StoredFile


def show_tray(
    held: Tray,
    *,
    key: str,
    describe: Callable[[StoredFile], str] | None = None,
    below: Callable[[StoredFile], None] | None = None,
) -> None:
    """A thumbnail, name and size of each picture, and a button that takes it out.

    Args:
        held: what to show.
        key: prefix of the widgets' keys.
        describe: what to add in words.
        below: draws further widgets of a picture.

    """
    if not held.chosen:
        return
    with st.grid(min_column_width=104, gap="small", key=f"{key}.held") as grid:
        for one in held.chosen:
            own = f"{key}.held.{one.file.sha256[:16]}"
            with grid.cell(), st.container(key=own, gap="xxsmall"):
                st.html(_figure(one, describe(one.file) if describe else ""))
                if below:
                    below(one.file)
                offer_removal(held, one.file, key=f"{own}.remove")


def offer_removal(held: Tray, file: StoredFile, *, key: str) -> None:
    """A button that takes one picture out of the tray."""
    st.button(
        _("Remove"),
        icon=":material/close:",
        help=_("Take {name} out", name=literal(file.file_name)),
        type="tertiary",
        key=key,
        on_click=acting(_take_out),
        args=(held, file.sha256),
    )


def _take_out(_actor: Actor, held: Tray, sha256: str) -> None:
    held.remove(sha256)


def _figure(one: Chosen, more: str) -> str:
    name = escape(one.file.file_name)
    size = said(dimensions(one.file.width_px, one.file.height_px))
    return (
        f'<figure class="dr-held"><img src="{one.thumbnail}" alt="">'
        f'<figcaption><b title="{name}">{name}</b>'
        f'<span class="dr-muted">{size} · {said(file_size(one.size_bytes))}</span>'
        f"<span>{escape(more)}</span></figcaption></figure>"
    )
