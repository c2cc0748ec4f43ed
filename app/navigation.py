"""Which pages there are, and where their files lie.

Streamlit takes the file of a page as its name in ``st.switch_page`` and ``st.page_link``;
these are absolute, so they hold from wherever a page is run.
"""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import Page

from db.actor import Actor
from studio.settings import ROOT

_PAGES = ROOT / "pages"

CUTOUT = str(_PAGES / "cutout.py")
UPSCALE = str(_PAGES / "upscale.py")
HISTORY = str(_PAGES / "history.py")
RUN = str(_PAGES / "run.py")
MEMBERS = str(_PAGES / "members.py")
ACCOUNT = str(_PAGES / "account.py")


def sections(actor: Actor) -> dict[str, list[Page]]:
    """The navigation as ``actor`` sees it; a run is opened from lists and is not in it."""
    tools = [
        st.Page(CUTOUT, title="Cutout", icon=":material/content_cut:", default=True),
        st.Page(UPSCALE, title="Upscale", icon=":material/photo_size_select_large:"),
    ]
    record = [
        st.Page(HISTORY, title="History", icon=":material/history:"),
        st.Page(RUN, title="Run", icon=":material/image:", visibility="hidden"),
    ]
    admin = [st.Page(MEMBERS, title="Members", icon=":material/group:")]
    you = [st.Page(ACCOUNT, title="Account", icon=":material/account_circle:")]
    return (
        {"Tools": tools, "Record": record}
        | ({"Admin": admin} if actor.is_admin else {})
        | {"You": you}
    )
