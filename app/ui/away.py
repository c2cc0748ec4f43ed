"""What pages do while the database is away: they stay as they are, and go on by themselves.

Streamlit forgets the state of every widget that a finished run did not draw, and the browser
removes it. A run that only says that the database is away would so throw away a canvas, and with
it the strokes that are not on record yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from app.ui.literal import literal_sentence
from db.errors import DatabaseAwayError

Found = TypeVar("Found")

RETRY_S = 1.0
_SHOWN_S = 10
_HAS_PAGE = "away.has-page"
_SAID_AT_S = "away.said-at-s"


def wait_for_database(look_up: Callable[[], Found]) -> Found:
    """What ``look_up`` finds, tried until the database answers.

    Another run of the page that is asked for meanwhile ends this one, which removes nothing.

    Raises:
        DatabaseAwayError: this tab shows no page yet that could stay.

    """
    while True:
        try:
            found = look_up()
        except DatabaseAwayError as away:
            if _HAS_PAGE not in st.session_state:
                raise
            say_away(away)
            time.sleep(RETRY_S)
        else:
            st.session_state[_HAS_PAGE] = True
            return found


def say_away(away: DatabaseAwayError) -> None:
    """Say it beside the page, so that nothing there moves; once while it is being shown."""
    now_s = time.monotonic()
    if now_s - st.session_state.get(_SAID_AT_S, -_SHOWN_S) >= _SHOWN_S:
        st.session_state[_SAID_AT_S] = now_s
        st.toast(literal_sentence(away), icon=":material/error:", duration=_SHOWN_S)
