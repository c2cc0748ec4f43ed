"""Secrets that were just made: shown until whoever asked for one has noted it, and never again."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from app.ui.guard import acting
from app.ui.words import _
from db.actor import Actor


@dataclass(slots=True)
class Issued:
    """The last secret of a page in this tab; take it with ``issued`` before the secret is made.

    Streamlit may break a run off at any touch of its state, so what is touched only afterwards
    could be lost, and the secret with it.
    """

    title: str = ""
    secret: str = ""
    note: str = ""

    def hold(self, title: str, secret: str, note: str) -> None:
        """Keep ``secret`` to be shown; ``note`` says what to do with it."""
        self.title, self.secret, self.note = title, secret, note


def issued(kind: str) -> Issued:
    """Where secrets of this kind are shown from."""
    held: Issued = st.session_state.setdefault(f"issued.{kind}", Issued())
    return held


def show_issued(kind: str) -> None:
    """Show the secret that is held, if there is one, and a button that forgets it."""
    held = issued(kind)
    if not held.secret:
        return
    with st.container(border=True, key="issued"):
        st.markdown(f":material/key: **{held.title}**")
        st.code(held.secret, language=None)
        st.html(f'<span class="dr-muted dr-small">{escape(held.note)}</span>')
        st.button(_("I have noted it"), on_click=acting(_forget), args=(kind,))


def _forget(_actor: Actor, kind: str) -> None:
    issued(kind).hold("", "", "")
