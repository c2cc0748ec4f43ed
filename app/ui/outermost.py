"""Where a run of a page begins to draw."""

from __future__ import annotations

from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value
from streamlit.runtime.scriptrunner import get_script_run_ctx


def begin_outermost() -> None:
    """Draw on the page itself, whatever container the run before ended in.

    A part that ran by itself leaves its thread in the containers that it stands in. A run of the
    whole page that was asked for just then goes on in that thread, and Streamlit would draw it
    into them: the page within its own column, or, where there is none on this page, nothing at all.
    """
    # Streamlit has no call for it; a test says when it is no longer needed.
    context_dg_stack.set(get_default_dg_stack_value())


def is_part_alone() -> bool:
    """Whether this is a run of parts by themselves, of a dialog for one, and not of the page.

    What such a run draws outside of its parts is written over what the page begins with.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return bool(context and context.fragment_ids_this_run)
