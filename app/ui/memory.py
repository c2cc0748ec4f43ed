"""The options of a tool's page as they were left, in this tab and on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import streamlit as st

from app.runs.page_memory import KeptOptions, keep_options, recall_options
from app.ui.away import say_away
from app.ui.signed_in import require_user
from app.ui.words import _
from db.actor import Actor
from db.errors import DatabaseAwayError
from studio.params import ToolParams
from tasks.services import get_services


def recall(params: type[ToolParams]) -> KeptOptions:
    """What the person last set for the tool; read once a tab, which then keeps its own."""
    key = _key(params)
    if key not in st.session_state:
        st.session_state[key] = recall_options(get_services(), require_user(), params)
    kept: KeptOptions = st.session_state[key]
    return kept


def keep(params: ToolParams, *, from_id: UUID | None, is_private: bool) -> None:
    """Put what is set now on record, when it differs from what is there.

    While the record takes nothing in, that is said beside the page, and its next run tries again.
    """
    try:
        _put_on_record(params, from_id=from_id, is_private=is_private)
    except DatabaseAwayError as away:
        say_away(away)


def start_from(params: type[ToolParams], values: Mapping[str, Any], from_id: UUID | None) -> None:
    """Have the form begin with ``values``.

    Raises:
        DatabaseAwayError: they cannot be put on record, so the form stays as it is.

    """
    chosen = params.model_validate(values)
    _put_on_record(chosen, from_id=from_id, is_private=recall(params).is_private)


def finish(params: type[ToolParams]) -> None:
    """What was set has been run: the run that it started from may be opened afresh."""
    kept = recall(params)
    if kept.from_id:
        keep(params.model_validate(kept.params), from_id=None, is_private=kept.is_private)


def reset(_actor: Actor, params: type[ToolParams]) -> None:
    """Have the form begin anew, with the defaults."""
    kept = recall(params)
    start_from(params, params.model_validate({}).model_dump(), kept.from_id)
    st.session_state[_forms_key(params)] = form_number(params) + 1


def form_number(params: type[ToolParams]) -> int:
    """How often the form was reset in this tab; its widgets are others each time."""
    return int(st.session_state.get(_forms_key(params), 0))


def say_outdated(params: type[ToolParams]) -> None:
    """Say that what was kept no longer fits, until something is set."""
    if recall(params).is_outdated:
        st.info(
            _(
                "What you last set here was kept by an older release and no longer fits, so these "
                "are the defaults."
            ),
            icon=":material/restart_alt:",
        )


def _put_on_record(params: ToolParams, *, from_id: UUID | None, is_private: bool) -> None:
    kept = KeptOptions(params.model_dump(), from_id, is_private)
    before = recall(type(params))
    if replace(before, is_outdated=False) == kept:
        return
    services, actor = get_services(), require_user()
    # The record first: at each touch of its state Streamlit may break this run off for the next.
    keep_options(services, actor, params, from_id=from_id, is_private=is_private)
    st.session_state[_key(type(params))] = kept


def _key(params: type[ToolParams]) -> str:
    return f"kept.{params.model_fields['tool'].default}"


def _forms_key(params: type[ToolParams]) -> str:
    return f"{_key(params)}.forms"
