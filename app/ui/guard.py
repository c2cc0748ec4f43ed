"""What runs after its page did, guarded: callbacks, dialogs and fragments.

Streamlit keeps these with the arguments of the run that drew them, over a socket that outlives
sessions. Nothing a page knew of its person then may decide what is done now. So each is wrapped
here: the session is looked up anew, and the person it belongs to at this moment is handed in as
the first argument; if that is somebody else than before, the browser loads the page anew instead.
While the database is away, what is on the page stays. A test keeps bare ones out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import streamlit as st

from app.api.pages_first import pages_first
from app.ui.away import say_away, wait_for_database
from app.ui.faults import say_above, saying_faults
from app.ui.outermost import begin_outermost
from app.ui.passing import drawing
from app.ui.signed_in import require_user
from app.ui.unbroken import unbroken
from app.ui.words import said
from db.actor import Actor
from db.errors import DatabaseAwayError

P = ParamSpec("P")
Deed = Callable[Concatenate[Actor, P], object]
Guarded = Callable[P, None]
Who = Callable[[], Actor]


def acting(deed: Deed[P], *, who: Who = require_user) -> Guarded[P]:
    """``deed`` as a callback of a widget, done whole; ``who`` ends the run unless it may go on.

    What stops it is said above the page; that the database is away, beside it.
    """

    @wraps(deed)
    def act(*args: P.args, **kwargs: P.kwargs) -> None:
        begin_outermost()  # callbacks come before everything else in a run
        with unbroken(), saying_faults(deed.__qualname__, say_above):
            try:
                actor = who()
            except DatabaseAwayError as away:
                say_away(away)
            else:
                deed(actor, *args, **kwargs)

    return act


def fragment(
    *, run_every: float | None = None, who: Who = require_user
) -> Callable[[Deed[P]], Guarded[P]]:
    """A part of a page that runs by itself, every ``run_every`` seconds too."""

    def guarded(body: Deed[P]) -> Guarded[P]:
        return st.fragment(_drawn(body, who), run_every=run_every)

    return guarded


def dialog(title: str, *, icon: str, who: Who = require_user) -> Callable[[Deed[P]], Guarded[P]]:
    """A window over the page; ``title`` is marked with ``N_``."""

    def guarded(body: Deed[P]) -> Guarded[P]:
        @wraps(body)
        def show(*args: P.args, **kwargs: P.kwargs) -> None:
            st.dialog(said(title), icon=icon)(_drawn(body, who))(*args, **kwargs)

        return show

    return guarded


def _drawn(body: Deed[P], who: Who) -> Guarded[P]:
    @wraps(body)
    def draw(*args: P.args, **kwargs: P.kwargs) -> None:
        part = body.__qualname__
        with pages_first().drawing(), drawing(part), saying_faults(part):
            body(wait_for_database(who), *args, **kwargs)

    return draw
