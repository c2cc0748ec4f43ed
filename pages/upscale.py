"""Upscale: enlarge pictures, with a network that draws in detail or plainly."""

from __future__ import annotations

import streamlit as st

from app.estimates import Estimator
from app.navigation import UPSCALE
from app.security import require_user
from app.ui import states, toolpage
from app.ui.format import dimensions, estimate
from app.ui.layout import header
from app.ui.models import ModelChoice, model_choices, pick_model
from app.ui.options import OptionForm
from app.ui.toolpage import ToolPage
from app.ui.uploader import Tray, tray
from studio.errors import UserInputError
from studio.params import UpscaleParams
from studio.tools.estimate import output_size, require_output_fits
from tasks.services import get_services
from tasks.submit import StoredFile


def main() -> None:
    page = ToolPage(get_services(), require_user(), "upscale", UPSCALE, "Enlarge")
    header("Upscale", "Enlarge pictures two to eight times, or to the width you need.")
    toolpage.show(page, compose=compose)


def compose(page: ToolPage) -> None:
    held = tray("upscale")
    initial = toolpage.prefill(page, held)
    pictures, options = st.columns([5, 3], gap="medium")
    with options, st.container(border=True, key="options"):
        form = OptionForm(UpscaleParams, initial, key=toolpage.form_key(page))
        choice = ask_model(page, form)
        ask_scale(form)
        if choice.spec and any(file.mixes_with for file in choice.spec.files):
            form.ask("denoise")
        is_installed = ask_restoration(page, form) and choice.is_installed
        form.ask_format()
        visibility = toolpage.ask_visibility(page)
        estimator = Estimator(page.services, page.tool, choice.id)
        toolpage.show_expectation([estimator.estimate_file(file) for file in held.files])
        too_large = find_too_large(page, form, held)
        states.refusals(too_large, "not enlarged like this")
        if toolpage.run_button(page, held, is_ready=is_installed and not too_large):
            items = [{"image": file} for file in held.files]
            parent_id = toolpage.query_id("from")
            toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)
    with pictures:
        toolpage.ask_pictures(page, held, add=lambda file: describe_result(form, estimator, file))


def ask_model(page: ToolPage, form: OptionForm) -> ModelChoice:
    choices = model_choices(page.services.settings, page.tool, "super-resolution")
    choice = pick_model(
        choices, form.values["model"], tool=page.tool, key=f"{toolpage.form_key(page)}.model"
    )
    form.set("model", choice.id)
    return choice


def ask_scale(form: OptionForm) -> None:
    """A whole factor, or a width in pixels."""
    is_width = form.values["target_width_px"] is not None
    by = st.segmented_control(
        "Enlarge",
        ["By a factor", "To a width"],
        default="To a width" if is_width else "By a factor",
        required=True,
        key=f"{form.key}.by",
    )
    if by == "To a width":
        form.ask("target_width_px", value=form.values["target_width_px"] or 2000)
    else:
        form.set("target_width_px", None)
        form.ask("scale", format_func="×{}".format, label_visibility="collapsed")


def ask_restoration(page: ToolPage, form: OptionForm) -> bool:
    """A network that redraws faces; returns whether what was chosen is installed."""
    found = model_choices(page.services.settings, page.tool, "face-restoration")
    none = ModelChoice("", "None", None, True, "Faces stay as the enlargement makes them.")
    with st.expander("Face restoration", expanded=bool(form.values["restore_faces"])):
        chosen = pick_model(
            [none, *found],
            form.values["restore_faces"] or "",
            tool=page.tool,
            key=f"{form.key}.restore_faces",
            label="Restoration model",
        )
        form.set("restore_faces", chosen.id or None)
        if chosen.id:
            form.ask("restore_blend")
            form.ask("restore_fidelity")
    return chosen.is_installed


def find_too_large(page: ToolPage, form: OptionForm, held: Tray) -> list[UserInputError]:
    """Pictures whose result would break a limit, or be no enlargement."""
    refusals = []
    for file in held.files:
        try:
            require_output_fits(
                form.parse(),
                file.width_px or 0,
                file.height_px or 0,
                max_pixels=page.services.settings.max_pixels,
            )
        except UserInputError as error:
            refusals.append(
                UserInputError(
                    error.reason, remedy=error.remedy, code=error.code, file_name=file.file_name
                )
            )
    return refusals


def describe_result(form: OptionForm, estimator: Estimator, file: StoredFile) -> str:
    """The result's size and the seconds it may take, as in "→ 2048 × 1536 px · about 4 s"."""
    width_px, height_px = file.width_px or 0, file.height_px or 0
    try:
        size = dimensions(*output_size(form.parse(), width_px, height_px))
    except UserInputError:
        return ""
    expected = estimator.estimate_file(file)
    return f"→ {size} · {estimate(expected.seconds)}" if expected else f"→ {size}"


if __name__ == "__main__":
    main()
