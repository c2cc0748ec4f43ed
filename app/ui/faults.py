"""What stops a page, or a part of it: said in a sentence in its place."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex

import streamlit as st

from app.ui.literal import literal_sentence
from app.ui.outermost import is_part_alone
from app.ui.passing import leave, left
from app.ui.unbroken import unbroken
from app.ui.words import _
from db.errors import RecordError
from studio.errors import StudioError
from tasks.authority import NotAllowedError

logger = logging.getLogger(__name__)


_LEFT = "faults.left"
_LOCK, _ERROR = ":material/lock:", ":material/error:"


def say_here(words: str, icon: str) -> None:
    """Say what stops something in its place."""
    st.error(words, icon=icon)


def say_above(words: str, icon: str) -> None:
    """Have ``say_left`` say what stops a callback; a run of a part alone has the page drawn for it.

    Said at once it would come before the page, which would move by one place, or be written over
    it where a part is drawn alone; and a dialog would hide it.
    """
    leave(_LEFT, {**_left(), words: icon})
    if is_part_alone():
        st.rerun()


def say_left() -> None:
    """Say above the page what stopped callbacks; call it first, in every run of the whole page."""
    with st.container(key="left-to-say"):  # always, so that what is below stays
        for words, icon in _left().items():
            say_here(words, icon)


def _left() -> Mapping[str, str]:
    """The sentences that are left to be said, each with its icon."""
    kept = left(_LEFT)
    return kept if isinstance(kept, dict) else {}


@contextmanager
def saying_faults(what: str, say: Callable[[str, str], None] = say_here) -> Iterator[None]:
    """Say what stops this; what nobody expected gets a number, under which ``what`` is logged.

    The same fault keeps its number in a tab and is logged once: a part that is drawn twice a
    second would fill the log. ``say`` is given a sentence and an icon.
    """
    try:
        yield
    except NotAllowedError as error:
        say(literal_sentence(error), _LOCK)
    except (StudioError, RecordError) as error:
        say(literal_sentence(error), _ERROR)
    except Exception as fault:
        words = _(
            "Something went wrong inside the studio. Reload the page; if it happens again, "
            "tell an admin the number {number}, which is in the log of the web process.",
            number=number_of(what, fault),
        )
        say(words, _ERROR)


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
