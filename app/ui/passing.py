"""What one run of a page leaves for the next, until the part it concerns was drawn to its end.

A run may be ended anywhere by what is clicked meanwhile. What it was to do or to say still holds
then, in whichever run draws that part whole; and in no later one, or it would come as a surprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

PAGE = "page"
"""The part that all others belong to."""

_KEPT = "passing"
_part = ContextVar("part", default=PAGE)


@contextmanager
def drawing(part: str) -> Iterator[None]:
    """Draw ``part``. What was left for it lapses at its end, which a run that is ended misses."""
    outer = _part.set(part)
    try:
        yield
    finally:
        _part.reset(outer)
    for name, (whose, _) in list(_all().items()):
        if part in (PAGE, whose):
            drop(name)


def drawn_part() -> str:
    """The innermost part that is being drawn."""
    return _part.get()


def leave(name: str, what: object, *, part: str = PAGE) -> None:
    """Keep ``what`` until ``part`` was drawn to its end."""
    _all()[name] = part, what


def left(name: str) -> object:
    """What was left under ``name``, or None."""
    return _all().get(name, (PAGE, None))[1]


def drop(name: str) -> None:
    """It is done, or holds no more."""
    _all().pop(name, None)


def _all() -> dict[str, tuple[str, object]]:
    kept: dict[str, tuple[str, object]] = st.session_state.setdefault(_KEPT, {})
    return kept
