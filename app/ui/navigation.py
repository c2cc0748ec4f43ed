"""Which pages there are, and where their files lie.

Streamlit takes the file of a page as its name in ``st.switch_page`` and ``st.page_link``;
these are absolute, so they hold from wherever a page is run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

import streamlit as st
from streamlit.navigation.page import Page

from app.people.tool_switches import first_tool
from app.ui.layout import PRODUCT
from app.ui.words import _, said
from db.actor import Actor
from studio.settings import ROOT
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolSpec

_PAGES = ROOT / "pages"

HISTORY = str(_PAGES / "history.py")
RUN = str(_PAGES / "run.py")
MEMBERS = str(_PAGES / "members.py")
WEIGHTS = str(_PAGES / "weights.py")
STUDIO = str(_PAGES / "studio.py")
ACCOUNT = str(_PAGES / "account.py")


def tool_page(name: str) -> str | Page | None:
    """The page of a tool, for links: its own, or one that builds itself from the tool's facts.

    None for what has none: tools that only prepare others' runs, or are no longer there.
    """
    spec = TOOLS.get(name)
    if spec is None or spec.is_auxiliary:
        return None
    return str(ROOT / spec.page) if spec.page else navigation_page(spec)


def navigation_page(spec: ToolSpec, *, is_default: bool = False, is_hidden: bool = False) -> Page:
    """The tool's entry in the navigation."""
    return st.Page(
        ROOT / spec.page if spec.page else _generic_page(spec),
        title=said(spec.title),
        icon=f":material/{spec.icon}:",
        url_path=spec.name,
        default=is_default,
        visibility="hidden" if is_hidden else "visible",
    )


def _generic_page(spec: ToolSpec) -> Callable[[], None]:
    def show() -> None:
        from app.ui.generic_page import show_tool  # its links come from here

        show_tool(spec)

    return show


def sections(actor: Actor, switched_off: Collection[str] = ()) -> dict[str, list[Page]]:
    """The navigation as ``actor`` sees it.

    A run is opened from lists and is not in it, nor is a tool that is switched off; its old
    runs still open on its page. What is for admins is a page for everybody, that says so.
    """
    record = [
        st.Page(HISTORY, title=_("History"), icon=":material/history:"),
        st.Page(RUN, title=_("Run"), icon=":material/image:", visibility="hidden"),
    ]
    models = st.Page(WEIGHTS, title=_("Models"), icon=":material/deployed_code:")
    shown: Literal["visible", "hidden"] = "visible" if actor.is_admin else "hidden"
    members = st.Page(MEMBERS, title=_("Members"), icon=":material/group:", visibility=shown)
    studio = st.Page(STUDIO, title=_("Studio"), icon=":material/tune:", visibility=shown)
    you = [st.Page(ACCOUNT, title=_("Account"), icon=":material/account_circle:")]
    return {_("Tools"): _tools(switched_off), _("Record"): record} | (
        {_("Admin"): [members, models, studio], _("You"): you}
        if actor.is_admin
        else {_("You"): [models, *you, members, studio]}
    )


def _tools(switched_off: Collection[str]) -> list[Page]:
    specs = [spec for spec in TOOLS.values() if not spec.is_auxiliary]
    pages = {
        spec.name: navigation_page(spec, is_hidden=spec.name in switched_off) for spec in specs
    }
    return [_entrance(pages[first_tool(switched_off)]), *pages.values()]


def _entrance(first: Page) -> Page:
    """What answers at ``/``: the ``first`` tool, under that tool's own address.

    Streamlit gives its default page no address but that, so no tool may be it.
    """

    def enter() -> None:
        st.switch_page(first, query_params=st.query_params.to_dict())

    return st.Page(enter, title=PRODUCT, url_path="enter", default=True, visibility="hidden")
