"""Cutout: take pictures in, remove what is behind their subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import streamlit as st

from app.estimates import estimate_files
from app.navigation import CUTOUT
from app.runs import find_output, main_input, stored_file
from app.security import require_user
from app.ui import toolpage
from app.ui.layout import header
from app.ui.models import ModelChoice, model_choices, pick_model
from app.ui.options import OptionForm
from app.ui.toolpage import ToolPage
from app.ui.uploader import pick_files, show_tray, tray
from db.models import Job
from db.types import Visibility
from studio.params import CutoutOutput, CutoutParams, ImageFormat
from tasks.services import get_services
from tasks.submit import StoredFile


def main() -> None:
    page = ToolPage(get_services(), require_user(), "cutout", CUTOUT, "Cut out")
    header("Cutout", "Remove the background and keep every hair.")
    toolpage.show(page, compose=compose, beside_result=refine)


def compose(page: ToolPage) -> None:
    held = tray("cutout")
    initial = toolpage.prefill(page, held)
    pictures, options = st.columns([5, 3], gap="medium")
    with pictures:
        toolpage.ask_pictures(page, held)
    with options, st.container(border=True, key="options"):
        form = OptionForm(CutoutParams, initial, key=toolpage.form_key(page))
        choice = ask_model(page, form)
        background = ask_background(page, form, key="cutout")
        ask_finish(form, is_open=bool(initial))
        ask_format(form)
        visibility = toolpage.ask_visibility(page)
        toolpage.show_expectation(
            estimate_files(page.services, page.actor, form.parse(), held.files)
        )
        if toolpage.run_button(page, held, is_ready=choice.is_installed):
            items = [{"image": file, **background} for file in held.files]
            run(page, form, items, visibility, toolpage.query_id("from"))


def refine(page: ToolPage, job: Job) -> None:
    """Another edge, background or effect: the outline is on record, so no network runs."""
    if not page.actor.may_run or find_output(job, "alpha") is None:
        return
    key = f"refine.{job.id.hex}"
    with st.expander("Change edge or background", icon=":material/tune:"):
        st.caption("Uses the outline already found, so it takes a moment only.")
        form = OptionForm(CutoutParams, job.params, key=key)
        background = ask_background(page, form, key=key)
        ask_edge(form)
        ask_hair(form)
        ask_effects(form)
        ask_format(form)
        if st.button("Apply", type="primary", width="stretch", key="apply"):
            item = {"image": stored_file(main_input(job)), **background}
            run(page, form, [item], job.visibility, job.id)


def ask_model(page: ToolPage, form: OptionForm) -> ModelChoice:
    choices = model_choices(page.services.settings, page.tool)
    choice = pick_model(
        choices, form.values["model"], tool=page.tool, key=f"{toolpage.form_key(page)}.model"
    )
    form.set("model", choice.id)
    return choice


def ask_background(page: ToolPage, form: OptionForm, *, key: str) -> dict[str, StoredFile]:
    """What goes behind the subject; gives the own picture when one is wanted."""
    output = form.ask("output", widget="select")
    if output is CutoutOutput.COLOUR:
        form.ask("colour")
    elif output is CutoutOutput.BLUR:
        form.ask("blur_px", label="Blur strength in pixels")
    elif output is CutoutOutput.PICTURE:
        held = tray(f"{key}.background")
        pick_files(page.services, held, key=f"{key}.background", limit=1, label="Background")
        show_tray(held)
        return {"background": held.files[0]} if held.files else {}
    return {}


def ask_finish(form: OptionForm, *, is_open: bool) -> None:
    with st.expander("Edge and crop", expanded=is_open):
        ask_edge(form)
        ask_hair(form)
    with st.expander("Shadow and outline", expanded=is_open and has_effects(form)):
        ask_effects(form)


def ask_edge(form: OptionForm) -> None:
    for name in ("feather_px", "shift_px", "despill", "keep_largest", "crop"):
        form.ask(name)
    if form.values["crop"]:
        form.ask("crop_margin_px")


def ask_hair(form: OptionForm) -> None:
    """Matting, and what is certain before it starts."""
    form.ask("matting")
    if not form.values["matting"]:
        return
    form.ask("erode_size_px", label="Erode size px")
    columns = st.columns(2)
    with columns[0]:
        form.ask("foreground_threshold", label="Subject >")
    with columns[1]:
        form.ask("background_threshold", label="Backdrop <")


def ask_effects(form: OptionForm) -> None:
    """What lies between subject and background."""
    if form.values["output"] is CutoutOutput.MASK:
        st.caption("A mask shows the subject alone.")
        return
    width, colour = st.columns([2, 1])
    with width:
        form.ask("outline_px")
    if form.values["outline_px"]:
        with colour:
            form.ask("outline_colour", label="Colour")
    form.ask("shadow")
    if form.values["shadow"]:
        ask_shadow(form)


def ask_shadow(form: OptionForm) -> None:
    right, down = st.columns(2)
    with right:
        form.ask("shadow_x_px", label="Right px")
    with down:
        form.ask("shadow_y_px", label="Down px")
    form.ask("shadow_blur_px", label="Softness px")
    strength, colour = st.columns([2, 1])
    with strength:
        form.ask("shadow_opacity", label="Strength")
    with colour:
        form.ask("shadow_colour", label="Colour")


def has_effects(form: OptionForm) -> bool:
    return bool(form.values["shadow"] or form.values["outline_px"])


def ask_format(form: OptionForm) -> None:
    needs_alpha = form.values["output"] is CutoutOutput.TRANSPARENT
    with_alpha = [ImageFormat.PNG, ImageFormat.WEBP]
    form.ask_format(with_alpha if needs_alpha else list(ImageFormat))


def run(
    page: ToolPage,
    form: OptionForm,
    items: Sequence[Mapping[str, StoredFile]],
    visibility: Visibility,
    parent_id: UUID | None,
) -> None:
    if form.values["output"] is CutoutOutput.PICTURE and "background" not in items[0]:
        st.error("Add the picture that goes behind the subject, then run again.")
        return
    toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)


if __name__ == "__main__":
    main()
