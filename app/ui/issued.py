"""Secrets that were just made: shown until whoever asked for one has noted it, and never again."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from app.ui.guard import acting
from app.ui.words import _
from db.actor import Actor


@dataclass(frozen=True, slots=True)
class Secret:
    """What is shown: whose it is, itself, and what to do with it."""

    title: str
    words: str
    note: str


def issued(kind: str) -> list[Secret]:
    """Those of this kind that this tab still shows, to be added to.

    Make a secret and add it inside ``unbroken``, or it may be lost between the two.
    """
    held: list[Secret] = st.session_state.setdefault(f"issued.{kind}", [])
    return held


def show_issued(kind: str) -> None:
    """Show each secret that is held, and a button that forgets it."""
    for number, secret in enumerate(issued(kind)):
        with st.container(border=True, key=f"issued-{number}"):
            st.markdown(f":material/key: **{secret.title}**")
            st.code(secret.words, language=None)
            st.html(f'<span class="dr-muted dr-small">{escape(secret.note)}</span>')
            st.button(
                _("I have noted it"),
                key=f"issued-{number}-noted",
                on_click=acting(_forget),
                args=(kind, secret),
            )


def _forget(_actor: Actor, kind: str, secret: Secret) -> None:
    issued(kind).remove(secret)
