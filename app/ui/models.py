"""Choosing a model: what it is, what it may be used for, and what to do when it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.navigation import WEIGHTS
from app.ui.format import file_size
from app.ui.licences import licence_notice
from studio.models.catalogue import ModelSpec, Task, load_catalogue
from studio.models.weights import Installed, WeightStore
from studio.params import INTERPOLATION, MESH, Filler
from studio.settings import Settings


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


_FILLERS = {
    Filler.AUTO: (
        "Automatic",
        "Looks at each spot and picks what fills it best; the run says what it picked.",
    ),
    Filler.PATCHMATCH: (
        "PatchMatch (built in)",
        "Copies from the rest of the picture: keeps texture. Good for objects and crowds.",
    ),
    Filler.FREQUENCY: (
        "Frequency-selective (built in)",
        "Continues patterns into thin gaps: scratches, cables, text. Slow on large spots.",
    ),
    Filler.TELEA: ("Telea (built in)", "Quick and smooth: specks and hairlines only."),
    Filler.NAVIER_STOKES: (
        "Navier-Stokes (built in)",
        "Continues edges into specks and hairlines; blurs anything larger.",
    ),
}
_BUILT_IN = (
    *(
        ("inpaint", "inpainting", ModelChoice(filler, title, None, True, note))
        for filler, (title, note) in _FILLERS.items()
    ),
    (
        "faceswap",
        "face-swap",
        ModelChoice(
            MESH,
            "Mesh warp (built in)",
            None,
            True,
            "Warps the source's features onto the target's face. The head keeps its shape.",
        ),
    ),
    (
        "upscale",
        "super-resolution",
        ModelChoice(
            INTERPOLATION,
            "Classic interpolation",
            None,
            True,
            "No network: quick, faithful, and adds no detail.",
        ),
    ),
)
"""By tool and task: ways to work that need no model of their own."""


def model_choices(settings: Settings, tool: str, task: Task | None = None) -> list[ModelChoice]:
    """What ``tool`` can use: what is installed first, then what one command would add.

    With ``task``, only the tool's models for that, as many use several networks together.
    """
    store = WeightStore(settings.weights_dir, load_catalogue())
    choices = [
        ModelChoice(spec.id, spec.title, spec, isinstance(store.status(spec.id), Installed))
        for spec in load_catalogue().for_tool(tool, task)
    ]
    choices += [
        choice
        for its_tool, its_task, choice in _BUILT_IN
        if its_tool == tool and task in (None, its_task)
    ]
    return sorted(choices, key=lambda choice: not choice.is_installed)


def missing_helpers(settings: Settings, *model_ids: str) -> list[ModelSpec]:
    """What is not installed of the search for faces and of these other models."""
    catalogue = load_catalogue()
    store = WeightStore(settings.weights_dir, catalogue)
    search = [spec for spec in catalogue.for_tool("faces") if spec.default]
    needed = [*search, *(catalogue.get(model_id) for model_id in model_ids)]
    return [spec for spec in needed if not isinstance(store.status(spec.id), Installed)]


def missing_weights_of(specs: Sequence[ModelSpec], tool: str) -> None:
    """As ``missing_weights``, of several models that are needed together."""
    if len(specs) == 1:
        missing_weights(specs[0], tool)
    elif specs:
        with st.container(border=True, key="missing-helpers", gap="xsmall"):
            titles = ", ".join(spec.title for spec in specs)
            st.markdown(f":material/download: **Not installed: {titles}.**")
            st.markdown("An admin can add them on the page Models, or with one command:")
            ids = " ".join(spec.id for spec in specs)
            st.code(f"studio weights pull {ids}", language="shell", wrap_lines=True)
            _link_to_models(tool)
            for spec in specs:
                if spec.licence.restriction:
                    _show_terms(spec)


def pick_model(
    choices: list[ModelChoice], model_id: str, *, tool: str, key: str, label: str = "Model"
) -> ModelChoice:
    """Draw the select box and what ``tool``'s user should know about the chosen model."""
    ids = [choice.id for choice in choices]
    by_id = dict(zip(ids, choices, strict=True))
    chosen_id = st.selectbox(
        label,
        ids,
        index=ids.index(model_id) if model_id in by_id else 0,
        format_func=lambda one: _label(by_id[one]),
        key=key,
    )
    chosen = by_id[chosen_id]
    if chosen.spec is None:
        st.caption(chosen.note)
        return chosen
    if chosen.is_installed:
        _show_terms(chosen.spec)
    else:
        missing_weights(chosen.spec, tool)
    return chosen


def missing_weights(spec: ModelSpec, tool: str) -> None:
    """Say what ``tool`` misses and the one command that mends it."""
    size = f" ({file_size(spec.download_bytes)})" if spec.download_bytes else ""
    with st.container(border=True, key=f"missing-{spec.id}", gap="xsmall"):
        st.markdown(f":material/download: **{spec.title} is not installed.**")
        st.markdown(f"An admin can add it{size} on the page Models, or with one command:")
        st.code(f"studio weights pull {spec.id}", language="shell", wrap_lines=True)
        _link_to_models(tool)
        _show_terms(spec)


def _link_to_models(tool: str) -> None:
    """To the page Models, filtered to what ``tool`` uses."""
    st.page_link(
        WEIGHTS,
        label="Open the page Models",
        icon=":material/deployed_code:",
        query_params={"tool": tool},
    )


def _label(choice: ModelChoice) -> str:
    is_free = choice.spec is None or choice.spec.licence.commercial != "no"
    notes = [
        "" if is_free else "no commercial use",
        "" if choice.is_installed else "not installed",
    ]
    return " — ".join([choice.title, *filter(None, [", ".join(filter(None, notes))])])


def _show_terms(spec: ModelSpec) -> None:
    if spec.note:
        st.caption(spec.note)
    st.html(licence_notice(spec.licence))
