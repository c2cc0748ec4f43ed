"""Deeds that are done whole, whatever is clicked meanwhile.

A tab runs one script at a time (``runner.fastReruns`` is off). What is clicked meanwhile waits, and
at every touch of a page's state or address, and at everything that is drawn, Streamlit looks for
it and, if there is any, ends the present run there. A deed that ends like that is half done, and
the click that asked for it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx


@contextmanager
def unbroken() -> Iterator[None]:
    """Until this ends, nothing from outside ends the run, be it that the tab is closed; it waits.

    The same goes for ``st.rerun``, but in callbacks, which it ends at once, and for ``st.stop``;
    what has to end here calls ``end_run``.
    """
    context = get_script_run_ctx(suppress_warning=True)
    requests = context.script_requests if context else None
    if requests is None:
        yield
        return
    # Streamlit has no call for it; a test says when it is no longer done like this.
    look = requests.on_scriptrunner_yield
    requests.on_scriptrunner_yield = _look_away  # type: ignore[method-assign]
    try:
        yield
    finally:
        requests.on_scriptrunner_yield = look  # type: ignore[method-assign]


def end_run() -> NoReturn:
    """End the run of the page here.

    Unlike with ``st.stop``, what was clicked meanwhile is not forgotten.
    """
    raise StopException


def _look_away() -> None:
    """In place of looking for another run."""
