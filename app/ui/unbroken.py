"""Deeds that are done whole, whatever is clicked meanwhile.

At every touch of a page's state Streamlit looks whether another run of the page was asked for,
and if so ends the present one there. A callback that ends like that has done half of its deed,
and the click that called it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.runtime.scriptrunner import get_script_run_ctx


@contextmanager
def unbroken() -> Iterator[None]:
    """Until this ends, touching the page's state does not end the run; the next one waits."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        yield
        return
    state = context.session_state
    # Streamlit has no call for it; a test says when it is no longer done like this.
    look = state._yield_callback
    object.__setattr__(state, "_yield_callback", _look_away)
    try:
        yield
    finally:
        object.__setattr__(state, "_yield_callback", look)


def _look_away() -> None:
    """In place of looking for another run."""
