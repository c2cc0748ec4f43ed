"""What stops a page, or a part of it: said in a sentence in its place."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from secrets import token_hex

import streamlit as st

from app.ui.literal import literal_sentence
from app.ui.unbroken import unbroken
from app.ui.words import _
from db.errors import RecordError
from studio.errors import StudioError
from tasks.authority import NotAllowedError

logger = logging.getLogger(__name__)


@contextmanager
def saying_faults(what: str) -> Iterator[None]:
    """Say what stops this; what nobody expected gets a number, under which ``what`` is logged.

    The same fault keeps its number in a tab and is logged once: a part that is drawn twice a
    second would fill the log.
    """
    try:
        yield
    except NotAllowedError as error:
        st.error(literal_sentence(error), icon=":material/lock:")
    except (StudioError, RecordError) as error:
        st.error(literal_sentence(error), icon=":material/error:")
    except Exception as fault:
        number = number_of(what, fault)
        st.error(
            _(
                "Something went wrong inside the studio. Reload the page; if it happens again, "
                "tell an admin the number {number}, which is in the log of the web process.",
                number=number,
            ),
            icon=":material/error:",
        )


def number_of(what: str, fault: Exception) -> str:
    """Under which ``fault`` of ``what`` is in the log: it is put there, unless it is there already.

    A fault is the way that led to it: those of a library end in the same line whatever they are.
    """
    way = tuple(
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(fault.__traceback__)
    )
    key = what, type(fault), way
    with unbroken():  # another run of the page that is asked for must not leave it out of the log
        known: dict[Hashable, str] = st.session_state.setdefault("faults", {})
        if key not in known:
            known[key] = token_hex(4)
            logger.error("%s failed: number %s", what, known[key], exc_info=fault)
        return known[key]
