"""Cutout: take pictures in, remove what is behind their subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app.runs.corrections import made_by_itself
from app.runs.parameters import initial_values
from app.runs.reading import find_output, main_input, stored_file
from app.ui import toolpage
from app.ui.choosing import ask_model
from app.ui.given_again import ask_given_again, name_given_mask
from app.ui.held import show_tray
from app.ui.layout import header
from app.ui.literal import literal_sentence
from app.ui.options import OptionForm
from app.ui.signed_in import require_user
from app.ui.submitting import ask_run, offer_again
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray, passing_tray, tray
from app.ui.uploader import pick_files
from app.ui.words import _, said
from db.models import Job
from studio.errors import UserInputError
from studio.params import CutoutOutput, CutoutParams, ImageFormat
from studio.tools.cutout.spec import SPEC
from tasks.files import StoredFile
from tasks.requests import require_sizes
from tasks.services import get_services


def main() -> None:
    page = ToolPage(get_services(), require_user(), SPEC)
    header(said(SPEC.title), _("Remove the background and keep every hair."))
    toolpage.show(page, compose=compose, beside_result=refine)


def compose(page: ToolPage) -> None:
    held = tray("cutout")
    initial = toolpage.prefill(page, held)
    pictures, options = toolpage.sides()
    with pictures:
        toolpage.ask_pictures(page, held)
    with options:
        form = OptionForm(CutoutParams, initial, key=toolpage.form_key(page))
        choice = ask_model(page, form)
        given = ask_given_again(page, form, held, {"alpha": name_given_mask})
        background = ask_background(page, form, key="cutout")
        ask_finish(form, is_open=toolpage.query_id("from") is not None)
        ask_format(form)

        def beside(file: StoredFile) -> Mapping[str, Sequence[StoredFile]]:
            return {**background, **given.beside(file)}

        ask_run(
            page,
            form,
            held,
            lambda file: page.item(file, beside(file)),
            beside=beside,
            is_ready=choice.is_installed or given.spares_networks(form, held),
        )


def refine(page: ToolPage, job: Job) -> None:
    """Another edge, background or effect, or a mask touched up: the network need not run."""
    initial = initial_values(job)
    source, alpha = main_input(job), find_output(job, "alpha")
    if not page.actor.may_run or not initial or source is None or alpha is None:
        return
    form = OptionForm(CutoutParams, initial, key=f"refine.{job.id.hex}")
    with st.expander(_("Change edge or background"), icon=":material/tune:"):
        st.caption(_("Uses the outline already found, so it takes a moment only."))
        background = ask_background(page, form, key=form.key)
        ask_edge(form)
        ask_hair(form)
        ask_effects(form)
        ask_format(form)
        files = {**background, "alpha": [stored_file(alpha)]}
        taken_over = made_by_itself(job, ["alpha"])
        again = page.item(stored_file(source), files, taken_over=taken_over)
        offer_again(page, form, job, lambda: again, key=form.key)
    with st.expander(_("Correct by hand"), icon=":material/ink_eraser:"):
        correct(page, form, job, stored_file(source), background)


def correct(
    page: ToolPage,
    form: OptionForm,
    job: Job,
    source: StoredFile,
    background: Mapping[str, Sequence[StoredFile]],
) -> None:
    """Take a mask that was touched up elsewhere, and run with it in place of the network's."""
    key = f"correct.{job.id.hex}"
    corrected = passing_tray(key)
    st.caption(
        _(
            "Download the alpha mask and paint on it, in any program: white is the subject, black "
            "is not. Keep its size, and drop it here."
        )
    )
    pick_files(
        page.services,
        corrected,
        key=key,
        limit=1,
        label=_("Corrected mask"),
        invitation=_("Drop the mask here"),
    )
    show_tray(corrected, key=key)
    if not corrected.files:
        return
    item = page.item(source, {**background, "alpha": corrected.files[:1]})
    try:
        require_sizes(page.spec, item)
    except UserInputError as refusal:
        st.error(literal_sentence(refusal), icon=":material/error:")
        return
    offer_again(page, form, job, lambda: item, key=key)


def ask_background(page: ToolPage, form: OptionForm, *, key: str) -> dict[str, list[StoredFile]]:
    """What goes behind the subject; gives the own picture when one is wanted."""
    output = form.ask("output", widget="select")
    if output is CutoutOutput.COLOUR:
        form.ask("colour")
    elif output is CutoutOutput.BLUR:
        form.ask("blur_px")
    elif output is CutoutOutput.PICTURE:
        held = background_tray(key)
        pick_files(
            page.services,
            held,
            key=f"{key}.background",
            limit=1,
            label=_("Background"),
            invitation=_("Drop the new background here"),
        )
        show_tray(held, key=f"{key}.background")
        return {"background": held.files[:1]} if held.files else {}
    return {}


def background_tray(key: str) -> Tray:
    """What goes behind the subject, kept with the page; beside a result it goes with that."""
    own = tray if key == SPEC.name else passing_tray
    return own(f"{key}.background")


def ask_finish(form: OptionForm, *, is_open: bool) -> None:
    with st.expander(_("Edge and crop"), expanded=is_open):
        ask_edge(form)
        ask_hair(form)
    with st.expander(_("Shadow and outline"), expanded=is_open and has_effects(form)):
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
    form.ask("erode_size_px")
    columns = st.columns(2)
    with columns[0]:
        form.ask("foreground_threshold", label=_("Subject above"))
    with columns[1]:
        form.ask("background_threshold", label=_("Background below"))


def ask_effects(form: OptionForm) -> None:
    """What lies between subject and background."""
    if form.values["output"] is CutoutOutput.MASK:
        st.caption(_("A mask shows the subject alone."))
        return
    width, colour = st.columns([2, 1])
    with width:
        form.ask("outline_px")
    if form.values["outline_px"]:
        with colour:
            form.ask("outline_colour", label=_("Colour"))
    form.ask("shadow")
    if form.values["shadow"]:
        ask_shadow(form)


def ask_shadow(form: OptionForm) -> None:
    right, down = st.columns(2)
    with right:
        form.ask("shadow_x_px", label=_("To the right"))
    with down:
        form.ask("shadow_y_px", label=_("Downwards"))
    form.ask("shadow_blur_px", label=_("Softness"))
    strength, colour = st.columns([2, 1])
    with strength:
        form.ask("shadow_opacity", label=_("Strength"))
    with colour:
        form.ask("shadow_colour", label=_("Colour"))


def has_effects(form: OptionForm) -> bool:
    return bool(form.values["shadow"] or form.values["outline_px"])


def ask_format(form: OptionForm) -> None:
    needs_alpha = form.values["output"] is CutoutOutput.TRANSPARENT
    with_alpha = [ImageFormat.PNG, ImageFormat.WEBP]
    form.ask_format(with_alpha if needs_alpha else list(ImageFormat))


if __name__ == "__main__":
    main()
