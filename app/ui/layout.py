"""What every page of the studio begins with."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st

from app.ui.literal import literal
from app.ui.passing import drop, leave, left
from app.ui.unbroken import unbroken

PRODUCT = "Darkroom"
"""The same in every language."""

_NEXT = "address"
_ASKED_ADDRESS = "address.asked"
_STYLE = Path(__file__).parent / "assets" / "studio.css"


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a page goes next, from what it was asked for ``before``."""

    place: str
    before: tuple[dict[str, str], ...]
    """The addresses that a click which waits may have been made at."""
    query: dict[str, str]


def header(title: str, subtitle: str = "") -> None:
    """The page's heading, one line on what it is for, and the studio's style."""
    st.html(_STYLE)
    name_tab(title)
    st.title(literal(title), anchor=False)
    if subtitle:
        st.html(f'<p class="dr-muted dr-subtitle">{escape(subtitle)}</p>')


def show_address(place: str) -> None:
    """Have the address bar name what the page at ``place`` was asked for.

    A link from a page to itself does not change it, though the page is run with what the link
    says. Nothing happens where the address is right already.
    """
    here = st.query_params.to_dict()
    with unbroken():
        st.session_state[_ASKED_ADDRESS] = here
        way = left(_NEXT)
        if isinstance(way, _Way) and way.place == place and here in way.before:
            here = way.query
        else:
            drop(_NEXT)
        st.query_params.from_dict(here)


def go_to(place: str, **query: str) -> None:
    """Have the next run of the page at ``place``, which calls ``show_address``, be asked for this.

    Setting the address is not enough: a click that waits comes with the one that it was made at,
    be it as it is now or as this run was asked for.
    """
    before = (st.session_state.get(_ASKED_ADDRESS, {}), st.query_params.to_dict())
    leave(_NEXT, _Way(place, before, query))


def name_tab(*what: str) -> None:
    """Say in the browser's tab and its list of pages what is shown, the nearest first."""
    st.set_page_config(page_title=" · ".join([*what, PRODUCT]))
