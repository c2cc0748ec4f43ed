"""What pages say, in the language of whoever reads them.

It is looked up anew with every word: Streamlit runs callbacks and fragments in threads that
inherit nothing from the run that drew the page.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from db.errors import RecordError
from studio.errors import StudioError
from studio.words import Message, Value
from studio.words.language import Language, best_language

_CHOSEN = "chosen-locale"


def speak_as_chosen(locale: str | None) -> None:
    """From here on this tab speaks the language that its person chose; none: the browser's."""
    st.session_state[_CHOSEN] = locale


def reader() -> Language:
    """The language that the person chose, else their browser's, at the time of where it is."""
    wanted = (st.session_state.get(_CHOSEN), st.context.locale)
    found = best_language(*(locale for locale in wanted if locale))
    return replace(found, zone=reader_zone())


def reader_zone() -> tzinfo:
    """The zone that the browser is in; UTC where it names none, or one that is unknown here."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def said(words: Message | StudioError | RecordError | str) -> str:
    """A message, or what an error says, in the reader's language.

    A string is one of those marked with ``N_``: the title of a field, a name in a table.
    """
    if isinstance(words, str):
        words = Message(words)
    elif not isinstance(words, Message):
        words = words.message
    return reader().say(words)


def _(text: str, /, **values: Value) -> str:
    """The sentence ``text``, said at once."""
    return said(Message(text, values))


def _n(text: str, plural: str, n: int, /, **values: Value) -> str:
    """``text`` when ``n`` is one and ``plural`` otherwise, said at once."""
    return said(Message(text, {"n": n, **values}, plural))
