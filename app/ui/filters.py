"""Filters of a list, kept in the address, so that it can be shared, reloaded and gone back to.

Choices stand there by their ids, which are the same in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from html import escape
from urllib.parse import urlencode

import streamlit as st

from app.ui.guard import acting
from app.ui.words import _
from db.actor import Actor

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


class Filters:
    """What a page asks to narrow its list."""

    def __init__(self, place: str) -> None:
        """``place`` names the part of the list in the address; other filters start from the top."""
        self._place = place
        self._bound: dict[str, str] = {}  # what widgets tied to the address hold when empty
        self._chosen: list[str] = []
        self._unknown: list[str] = []

    def ask_text(self, placeholder: str) -> str:
        """Words to look for, as ``text``."""
        self._bound["text"] = ""
        typed = st.text_input(
            _("Search"),
            key="text",
            bind="query-params",
            placeholder=placeholder,
            icon=":material/search:",
            on_change=acting(self.start_over),
            width=300,
        )
        return typed or ""

    def ask_day(self, label: str, key: str) -> date | None:
        """A day, as year-month-day."""
        self._chosen.append(key)
        wanted = st.query_params.get(key)
        day = _day(wanted) if wanted else None
        if wanted and day is None:  # Streamlit's binding would not say so
            self._unknown.append(label)
        st.session_state[key] = day
        return st.date_input(
            label,
            value=None,
            min_value=_FIRST_DAY,
            max_value=_LAST_DAY,
            key=key,
            format="YYYY-MM-DD",  # as in the address
            on_change=acting(self._keep_in_address),
            args=(key, None),
            width=190,
        )

    def ask_choice(self, label: str, key: str, titles: Mapping[str, str]) -> str | None:
        """One of ``titles``, by its id; "Any" until something is chosen."""
        self._take_from_address(key, label, titles, None)
        return st.selectbox(
            label,
            list(titles),
            index=None,
            format_func=titles.__getitem__,
            placeholder=_("Any"),
            key=key,
            on_change=acting(self._keep_in_address),
            args=(key, None),
            width=150,
        )

    def ask_shown(self, titles: Mapping[str, str]) -> str:
        """One of ``titles``, by its id, as ``show``; the first until another is chosen."""
        first = next(iter(titles))
        label = _("Show")
        self._take_from_address("show", label, titles, first)
        chosen = st.segmented_control(
            label,
            list(titles),
            required=True,
            format_func=titles.__getitem__,
            key="show",
            on_change=acting(self._keep_in_address),
            args=("show", first),
        )
        return chosen or first

    def start_over(self, _actor: Actor) -> None:
        """Show the list from its top: a place in it belongs to the filters it came with."""
        st.query_params.pop(self._place, None)

    def clear(self, _actor: Actor) -> None:
        """Ask for everything."""
        st.session_state.update(self._bound)  # the address follows; Streamlit lets no other way
        for key in (*self._chosen, self._place):
            st.query_params.pop(key, None)

    def show_turns(self, turns: Iterable[tuple[str, str | int | None]]) -> None:
        """Links to other parts of the list, by label and place; a place of None has none.

        Links rather than buttons: they can be shared, and a new page starts at its top.
        """
        links = [
            f'<a href="?{escape(urlencode({**st.query_params.to_dict(), self._place: place}))}" '
            f'target="_self">{escape(label)}</a>'
            for label, place in turns
            if place is not None
        ]
        if links:
            name = escape(_("Pages"))
            st.html(f'<nav class="dr-buttons dr-turns" aria-label="{name}">{"".join(links)}</nav>')

    def say_unknown(self) -> None:
        """Say which filters the address sets to what they cannot be: the list is longer for it."""
        if self._unknown:
            words = _(
                "The address sets {filters} to something that cannot be used, so it is left out.",
                filters=tuple(self._unknown),
            )
            st.info(words, icon=":material/filter_alt_off:")

    def _take_from_address(
        self, key: str, label: str, titles: Mapping[str, str], default: str | None
    ) -> None:
        """Set a widget to the choice that the address names; Streamlit's binding takes titles."""
        self._chosen.append(key)
        wanted = st.query_params.get(key, default)
        is_known = wanted == default or wanted in titles
        st.session_state[key] = wanted if is_known else default
        if not is_known:
            self._unknown.append(label)

    def _keep_in_address(self, actor: Actor, key: str, default: str | None) -> None:
        if st.session_state[key] == default:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = str(st.session_state[key])
        self.start_over(actor)


def _day(text: str) -> date | None:
    """The day that the address names, or None for what is none that can be chosen."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_DAY <= day <= _LAST_DAY else None
