"""Upscale: enlarge pictures, with a network that draws in detail or plainly."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.formatting import dimensions
from app.ui import toolpage
from app.ui.choosing import ask_model, ask_restoration
from app.ui.layout import header
from app.ui.options import OptionForm
from app.ui.signed_in import require_user
from app.ui.submitting import ask_run
from app.ui.toolpage import ToolPage
from app.ui.trays import tray
from app.ui.words import _, said
from studio.errors import UserInputError
from studio.params import UpscaleParams
from studio.tools.upscale.spec import SPEC
from tasks.files import StoredFile
from tasks.services import get_services

FACTOR, WIDTH = "factor", "width"


def main() -> None:
    page = ToolPage(get_services(), require_user(), SPEC)
    header(said(SPEC.title), _("Enlarge pictures two to eight times, or to the width you need."))
    toolpage.show(page, compose=compose)


def compose(page: ToolPage) -> None:
    held = tray("upscale")
    initial = toolpage.prefill(page, held)
    pictures, options = toolpage.sides()
    with options:
        form = OptionForm(UpscaleParams, initial, key=toolpage.form_key(page))
        choice = ask_model(page, form, "super-resolution")
        ask_scale(form)
        if choice.spec and any(file.mixes_with for file in choice.spec.files):
            form.ask("denoise")
        without = _("Faces stay as the enlargement makes them.")
        is_ready = ask_restoration(page, form, without)
        is_ready = is_ready and (choice.is_installed or all_slight(form, held.files))
        form.ask_format()
        ask_run(page, form, held, page.item, is_ready=is_ready)
    with pictures:
        toolpage.ask_pictures(page, held, add=lambda file: describe_result(form, file))


def all_slight(form: OptionForm, files: Sequence[StoredFile]) -> bool:
    """Whether all pictures grow so little that the chosen network is not asked for."""
    params = UpscaleParams.model_validate(form.values)
    return all(params.is_slight(file.width_px or 0) for file in files)


def ask_scale(form: OptionForm) -> None:
    """A whole factor, or a width in pixels."""
    is_width = form.values["target_width_px"] is not None
    by = st.segmented_control(
        _("Enlarge"),
        [FACTOR, WIDTH],
        default=WIDTH if is_width else FACTOR,
        required=True,
        format_func=lambda one: _("To a width") if one == WIDTH else _("By a factor"),
        key=f"{form.key}.by",
    )
    if by == WIDTH:
        form.ask("target_width_px", value=form.values["target_width_px"] or 2000)
    else:
        form.set("target_width_px", None)
        form.ask("scale", format_func="×{}".format, label_visibility="collapsed")


def describe_result(form: OptionForm, file: StoredFile) -> str:
    """The result's size, as in "→ 2048 × 1536 px"; the time is told once, for all pictures."""
    width_px, height_px = file.width_px or 0, file.height_px or 0
    try:
        size = dimensions(*form.parse().output_size(width_px, height_px))
    except UserInputError:
        return ""
    return f"→ {said(size)}"


if __name__ == "__main__":
    main()
