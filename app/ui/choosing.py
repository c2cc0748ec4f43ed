"""The networks that a run works with: asked for on every tool's page, by the options' form."""

from __future__ import annotations

import streamlit as st

from app.ui.models import ModelChoice, model_choices, pick_model
from app.ui.options import OptionForm
from app.ui.toolpage import ToolPage
from app.ui.words import _
from studio.models.catalogue import Task


def ask_model(page: ToolPage, form: OptionForm, task: Task | None = None) -> ModelChoice:
    """What does the work; of the tool's models those for ``task`` alone, where it has several."""
    choices = model_choices(page.services.settings, page.tool, task)
    choice = pick_model(choices, form.values["model"], tool=page.tool, key=f"{form.key}.model")
    form.set("model", choice.id)
    return choice


def ask_restoration(page: ToolPage, form: OptionForm, note: str) -> bool:
    """A network that redraws faces afterwards; returns whether what was chosen is installed.

    ``note`` says how faces are without one.
    """
    found = model_choices(page.services.settings, page.tool, "face-restoration")
    none = ModelChoice("", _("None"), None, True, note)
    with st.expander(_("Face restoration"), expanded=bool(form.values["restore_model"])):
        chosen = pick_model(
            [none, *found],
            form.values["restore_model"] or "",
            tool=page.tool,
            key=f"{form.key}.restore_model",
            label=_("Restoration model"),
        )
        form.set("restore_model", chosen.id or None)
        if chosen.id and chosen.is_installed:
            form.ask("restore_blend")
            form.ask("restore_fidelity")
    return chosen.is_installed
