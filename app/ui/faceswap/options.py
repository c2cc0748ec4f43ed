"""How a swap is made: the model, its own options, and what finishes each face."""

from __future__ import annotations

import streamlit as st

from app.ui.faceswap.recognition import recognisers
from app.ui.models import (
    ModelChoice,
    missing_helpers,
    missing_weights_of,
    model_choices,
    pick_model,
)
from app.ui.options import OptionForm
from app.ui.toolpage import ToolPage
from studio.models.contracts import FaceSwapContract
from studio.params import MESH
from studio.settings import Settings


def ask_model(page: ToolPage, form: OptionForm) -> bool:
    """What swaps; returns whether it and all that works with it are installed."""
    settings = page.services.settings
    choices = model_choices(settings, page.tool, "face-swap")
    choice = pick_model(choices, form.values["model"], tool=page.tool, key=f"{form.key}.model")
    form.set("model", choice.id)
    missing = missing_helpers(settings, *_companions(settings, choice))
    missing_weights_of(missing, page.tool)
    return choice.is_installed and not missing


def _companions(settings: Settings, choice: ModelChoice) -> list[str]:
    """What a network needs to know the source by; the mesh needs nothing."""
    contract = choice.spec.contract if choice.spec else None
    if not isinstance(contract, FaceSwapContract):
        return []
    recogniser = recognisers(settings)[0].id
    return [recogniser, contract.bridge] if contract.bridge else [recogniser]


def ask_engine(form: OptionForm) -> None:
    """What belongs to the chosen way of working alone."""
    if form.values["model"] == MESH:
        with st.expander("Shape and what covers the face"):
            form.ask("shape")
            form.ask("occlusion")
        return
    with st.expander("Sharpness and mask"):
        form.ask("pixel_boost_px", widget="select")
        form.ask("occlusion")
        form.ask("mask_blur")
        _ask_padding(form)


def _ask_padding(form: OptionForm) -> None:
    names = ("top", "right", "bottom", "left")
    columns = st.columns(2)
    form.set(
        "mask_padding",
        tuple(
            columns[place % 2].number_input(
                f"Padding {name} %",
                min_value=0,
                max_value=100,
                value=value,
                key=f"{form.key}.padding.{name}",
            )
            for place, (name, value) in enumerate(
                zip(names, form.values["mask_padding"], strict=True)
            )
        ),
    )


def ask_enhancer(page: ToolPage, form: OptionForm) -> bool:
    """A network that finishes each face; returns whether what was chosen is installed."""
    found = model_choices(page.services.settings, page.tool, "face-restoration")
    none = ModelChoice("", "None", None, True, "Faces stay as the swap leaves them.")
    with st.expander("Face restoration", expanded=bool(form.values["enhancer"])):
        chosen = pick_model(
            [none, *found],
            form.values["enhancer"] or "",
            tool=page.tool,
            key=f"{form.key}.enhancer",
            label="Restoration model",
        )
        form.set("enhancer", chosen.id or None)
        if chosen.id and chosen.is_installed:
            form.ask("enhancer_blend")
            form.ask("enhancer_fidelity")
    return chosen.is_installed
