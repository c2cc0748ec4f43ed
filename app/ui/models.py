"""Choosing a model: what it is, what it may be used for, and what to do when it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.faces.search import SEARCH
from app.formatting import file_size
from app.ui.licences import licence_notice
from app.ui.literal import literal, literal_sentence
from app.ui.navigation import WEIGHTS
from app.ui.words import _, said
from app.weights.management import open_store
from studio.models.catalogue import ModelSpec, Task
from studio.models.weights import Installed
from studio.settings import Settings
from studio.tools.registry import get_tool


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One line of the select box.

    ``spec`` is None for what needs no download, and ``note`` then says what it is like.
    """

    id: str
    title: str
    spec: ModelSpec | None
    is_installed: bool
    note: str = ""


def model_choices(settings: Settings, tool: str, task: Task | None = None) -> list[ModelChoice]:
    """What ``tool`` can use: what is installed first, then what one command would add.

    With ``task``, only the tool's models for that, as many use several networks together.
    """
    store = open_store(settings)
    choices = [
        ModelChoice(spec.id, spec.title, spec, isinstance(store.status(spec.id), Installed))
        for spec in store.catalogue.for_tool(tool, task)
    ]
    choices += [
        ModelChoice(one.id, said(one.title), None, True, said(one.note))
        for one in get_tool(tool).built_in_for(task)
    ]
    return sorted(choices, key=lambda choice: not choice.is_installed)


def missing_helpers(settings: Settings, *model_ids: str) -> list[ModelSpec]:
    """What is not installed of the search for faces and of these other models."""
    store = open_store(settings)
    search = [spec for spec in store.catalogue.for_tool(SEARCH) if spec.default]
    needed = [*search, *(store.catalogue.get(model_id) for model_id in model_ids)]
    return [spec for spec in needed if not isinstance(store.status(spec.id), Installed)]


def missing_weights_of(specs: Sequence[ModelSpec], tool: str) -> None:
    """As ``missing_weights``, of several models that are needed together."""
    if len(specs) == 1:
        missing_weights(specs[0], tool)
    elif specs:
        with st.container(border=True, key="missing-helpers", gap="xsmall"):
            titles = tuple(literal(spec.title) for spec in specs)
            missing = _("**Not installed: {titles}.**", titles=titles)
            st.markdown(f":material/download: {missing}")
            st.markdown(_("An admin can add them on the page Models, or with one command:"))
            ids = " ".join(spec.id for spec in specs)
            st.code(f"studio weights pull {ids}", language="shell", wrap_lines=True)
            _link_to_models(tool)
            for spec in specs:
                if spec.licence.restriction:
                    _show_terms(spec)


def pick_model(
    choices: list[ModelChoice], model_id: str, *, tool: str, key: str, label: str = ""
) -> ModelChoice:
    """Draw the select box and what ``tool``'s user should know about the chosen model."""
    ids = [choice.id for choice in choices]
    by_id = dict(zip(ids, choices, strict=True))
    chosen_id = st.selectbox(
        label or _("Model"),
        ids,
        index=ids.index(model_id) if model_id in by_id else 0,
        format_func=lambda one: _label(by_id[one]),
        key=key,
    )
    chosen = by_id[chosen_id]
    if chosen.spec is None:
        st.caption(literal_sentence(chosen.note))
        return chosen
    if chosen.is_installed:
        _show_terms(chosen.spec)
    else:
        missing_weights(chosen.spec, tool)
    return chosen


def missing_weights(spec: ModelSpec, tool: str) -> None:
    """Say what ``tool`` misses and the one command that mends it."""
    with st.container(border=True, key=f"missing-{spec.id}", gap="xsmall"):
        missing = _("**{model} is not installed.**", model=literal(spec.title))
        st.markdown(f":material/download: {missing}")
        st.markdown(_how_to_add(spec))
        st.code(f"studio weights pull {spec.id}", language="shell", wrap_lines=True)
        _link_to_models(tool)
        _show_terms(spec)


def _how_to_add(spec: ModelSpec) -> str:
    if not spec.download_bytes:
        return _("An admin can add it on the page Models, or with one command:")
    return _(
        "An admin can add it ({size}) on the page Models, or with one command:",
        size=file_size(spec.download_bytes),
    )


def _link_to_models(tool: str) -> None:
    """To the page Models, filtered to what ``tool`` uses."""
    st.page_link(
        WEIGHTS,
        label=_("Open the page Models"),
        icon=":material/deployed_code:",
        query_params={"tool": tool},
    )


def _label(choice: ModelChoice) -> str:
    is_free = choice.spec is None or choice.spec.licence.commercial != "no"
    title = choice.title
    if is_free:
        return title if choice.is_installed else _("{title} — not installed", title=title)
    if choice.is_installed:
        return _("{title} — no commercial use", title=title)
    return _("{title} — no commercial use, not installed", title=title)


def _show_terms(spec: ModelSpec) -> None:
    if spec.note:
        st.caption(literal_sentence(spec.advice))
    st.html(licence_notice(spec.licence))
