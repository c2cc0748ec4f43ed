"""How a swap is made: the model, its own options, and what finishes each face."""

from __future__ import annotations

import streamlit as st

from app.ui.choosing import ask_model
from app.ui.faceswap.assignment import is_by_likeness
from app.ui.faceswap.recognition import recognisers
from app.ui.models import ModelChoice, missing_helpers, missing_weights_of
from app.ui.options import OptionForm
from app.ui.toolpage import ToolPage
from app.ui.words import _, said
from studio.models.contracts import FaceSwapContract
from studio.params import MESH
from studio.settings import Settings
from studio.words import N_

_PADDINGS = {
    "top": N_("Padding at the top"),
    "right": N_("Padding at the right"),
    "bottom": N_("Padding at the bottom"),
    "left": N_("Padding at the left"),
}


def ask_swapper(page: ToolPage, form: OptionForm) -> bool:
    """What swaps; returns whether it and all that works with it are installed.

    Ask which faces before: to compare them takes a network, too.
    """
    settings = page.services.settings
    choice = ask_model(page, form, "face-swap")
    missing = missing_helpers(settings, *_companions(settings, choice, form))
    missing_weights_of(missing, page.tool)
    return choice.is_installed and not missing


def _companions(settings: Settings, choice: ModelChoice, form: OptionForm) -> list[str]:
    """What knows the source for a network, or faces by their likeness; the mesh needs nothing."""
    contract = choice.spec.contract if choice.spec else None
    bridge = contract.bridge if isinstance(contract, FaceSwapContract) else None
    is_recognised = isinstance(contract, FaceSwapContract) or is_by_likeness(form)
    recogniser = recognisers(settings)[0].id if is_recognised else None
    return [model_id for model_id in (recogniser, bridge) if model_id]


def ask_engine(form: OptionForm) -> None:
    """What belongs to the chosen way of working alone."""
    if form.values["model"] == MESH:
        with st.expander(_("Shape and what covers the face")):
            form.ask("shape")
            form.ask("occlusion")
        return
    with st.expander(_("Sharpness and mask")):
        form.ask("pixel_boost_px", widget="select")
        form.ask("occlusion")
        form.ask("mask_blur")
        _ask_padding(form)


def _ask_padding(form: OptionForm) -> None:
    columns = st.columns(2)
    form.set(
        "mask_padding",
        tuple(
            columns[place % 2].slider(
                said(title),
                min_value=0,
                max_value=100,
                value=value,
                format="%d %%",
                key=f"{form.key}.padding.{name}",
            )
            for place, ((name, title), value) in enumerate(
                zip(_PADDINGS.items(), form.values["mask_padding"], strict=True)
            )
        ),
    )
