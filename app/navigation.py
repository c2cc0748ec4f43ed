"""Which pages there are, and where their files lie.

Streamlit takes the file of a page as its name in ``st.switch_page`` and ``st.page_link``;
these are absolute, so they hold from wherever a page is run.
"""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st
from streamlit.navigation.page import Page

from db.actor import Actor
from studio.settings import ROOT
from studio.tools.spec import TOOLS

_PAGES = ROOT / "pages"

CARTOON = str(_PAGES / "cartoon.py")
CUTOUT = str(_PAGES / "cutout.py")
INPAINT = str(_PAGES / "inpaint.py")
FACESWAP = str(_PAGES / "faceswap.py")
UPSCALE = str(_PAGES / "upscale.py")
HISTORY = str(_PAGES / "history.py")
RUN = str(_PAGES / "run.py")
MEMBERS = str(_PAGES / "members.py")
WEIGHTS = str(_PAGES / "weights.py")
STUDIO = str(_PAGES / "studio.py")
ACCOUNT = str(_PAGES / "account.py")


TOOL_PAGES = {
    "cutout": CUTOUT,
    "cartoon": CARTOON,
    "inpaint": INPAINT,
    "faceswap": FACESWAP,
    "upscale": UPSCALE,
}
"""The page of each tool, in the order of the navigation."""
_TOOL_ICONS = {
    "cutout": ":material/content_cut:",
    "cartoon": ":material/brush:",
    "inpaint": ":material/healing:",
    "faceswap": ":material/face_retouching_natural:",
    "upscale": ":material/photo_size_select_large:",
}


def sections(actor: Actor, switched_off: Collection[str] = ()) -> dict[str, list[Page]]:
    """The navigation as ``actor`` sees it.

    A run is opened from lists and is not in it, nor is a tool that is switched off; its old
    runs still open on its page.
    """
    record = [
        st.Page(HISTORY, title="History", icon=":material/history:"),
        st.Page(RUN, title="Run", icon=":material/image:", visibility="hidden"),
    ]
    models = st.Page(WEIGHTS, title="Models", icon=":material/deployed_code:")
    admin = [
        st.Page(MEMBERS, title="Members", icon=":material/group:"),
        models,
        st.Page(STUDIO, title="Studio", icon=":material/tune:"),
    ]
    you = [st.Page(ACCOUNT, title="Account", icon=":material/account_circle:")]
    return {"Tools": _tools(switched_off), "Record": record} | (
        {"Admin": admin, "You": you} if actor.is_admin else {"You": [models, *you]}
    )


def _tools(switched_off: Collection[str]) -> list[Page]:
    first = next((tool for tool in TOOL_PAGES if tool not in switched_off), next(iter(TOOL_PAGES)))
    return [
        st.Page(
            path,
            title=TOOLS[tool].title,
            icon=_TOOL_ICONS[tool],
            default=tool == first,
            visibility="hidden" if tool in switched_off else "visible",
        )
        for tool, path in TOOL_PAGES.items()
    ]
