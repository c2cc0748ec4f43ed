"""Clicks that are done once and wholly, whatever is clicked meanwhile.

Streamlit tells one run of a page that a button was pressed, and may end that run before it comes to
the line that asks. A deed with fixed arguments is therefore a callback: ``acting``, or ``once``
where a second click would do it twice. A deed with what is set on the page at that moment cannot be
one, for callbacks are given what was set when the button was drawn: it is ``asked``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Literal, TypedDict, Unpack

import streamlit as st

from app.ui.guard import Deed, Guarded, P, Who, acting
from app.ui.passing import PAGE, drawn_part, drop, leave, left
from app.ui.signed_in import require_user
from app.ui.unbroken import unbroken
from db.actor import Actor

_TURNS = "asked.turns"


class Look(TypedDict, total=False):
    """How a button looks, as ``st.button`` takes it."""

    icon: str
    help: str
    type: Literal["primary", "secondary", "tertiary"]
    width: Literal["content", "stretch"]


def asked(
    label: str,
    deed: Callable[[], bool],
    *,
    key: str,
    is_enabled: bool = True,
    submits: bool = False,
    **look: Unpack[Look],
) -> None:
    """Draw a button, and do ``deed`` where it was pressed and that was not done yet.

    Args:
        label: what it says.
        deed: done whole, with what is set now; it says below the button what stops it. Returns
            whether it was done; then the page is drawn anew.
        key: of the button; another one for what is another deed.
        is_enabled: False while the button must wait; what was pressed before then lapses.
        submits: whether it is the button of the form that it stands in.
        **look: of the button.

    """
    draw = st.form_submit_button if submits else st.button
    draw(
        label,
        key=key,
        disabled=not is_enabled,
        on_click=acting(note),
        args=(key, turn(key), drawn_part()),
        **look,
    )
    if is_enabled:
        do_noted(key, deed)
    else:
        drop(_noted(key))


def note(_actor: Actor, key: str, number: int, part: str = PAGE) -> None:
    """Have whichever run draws ``part`` do the deed, unless it was done since turn ``number``."""
    if number == turn(key):
        leave(_noted(key), True, part=part)


def do_noted(key: str, deed: Callable[[], bool]) -> None:
    """Do ``deed``, as ``asked`` does, where it was noted by other means than its button."""
    if not left(_noted(key)):
        return
    with unbroken():
        drop(_noted(key))
        is_done = deed()
        if is_done:
            _count(key)
    if is_done:
        st.rerun()


def once(key: str, deed: Deed[P], *, who: Who = require_user) -> Guarded[P]:
    """As ``acting``, done for one click only of those made on the same drawing.

    ``key`` says which deed it is, be it drawn in several places. Once it is done, the whole page is
    redrawn, and a dialog closed: a fragment alone would be redrawn before a second click arrives,
    and that click would count as new. Where that would do harm, put ``turn(key)`` into the
    button's key.
    """
    number = turn(key)

    @wraps(deed)
    def act(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if number != turn(key):
            return
        deed(actor, *args, **kwargs)
        _count(key)
        st.rerun()

    return acting(act, who=who)


def turn(key: str) -> int:
    """How often the deed was done in this tab; a form that it empties has other widgets then."""
    return _turns()[key]


def _count(key: str) -> None:
    _turns()[key] += 1


def _turns() -> Counter[str]:
    turns: Counter[str] = st.session_state.setdefault(_TURNS, Counter())
    return turns


def _noted(key: str) -> str:
    return f"asked.{key}"
