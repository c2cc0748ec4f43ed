"""Inpaint: paint over what shall go, and the picture closes over it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from uuid import UUID

import streamlit as st

from app import drawings
from app.estimates import estimate_files
from app.mask_preview import start_mask
from app.navigation import INPAINT
from app.runs import drawing_of, find_input, find_output, get_run, stored_file
from app.security import require_user
from app.ui import toolpage
from app.ui.canvas.controls import stroke_count
from app.ui.canvas.easel import Easel, easel_for
from app.ui.canvas.painting import paint
from app.ui.format import dimensions, markdown_safe
from app.ui.layout import header
from app.ui.links import thumbnail_url
from app.ui.masks import ask_finish, ask_start, read_mask, show_preview
from app.ui.models import ModelChoice, model_choices, pick_model
from app.ui.options import OptionForm
from app.ui.stage import style
from app.ui.toolpage import ToolPage
from app.ui.uploader import Chosen, Tray, pick_files, tray
from db.models import Job
from studio.imaging.drawing import Drawing
from studio.params import InpaintParams, MaskPreset
from studio.tools.spec import DRAWING_ROLE
from tasks.services import get_services
from tasks.submit import StoredFile

MASK = "mask"
NEXT = "inpaint.next"  # parameters of the run whose result is painted on now
NO_DRAWING = "No drawing"


def main() -> None:
    page = ToolPage(get_services(), require_user(), "inpaint", INPAINT, "Repaint")
    header("Inpaint", "Paint over what shall go, and the picture closes over it.")
    style()
    toolpage.show(page, compose=compose, beside_result=go_on)


def compose(page: ToolPage) -> None:
    held, given = tray("inpaint"), tray("inpaint.mask")
    reopen(page, held)
    initial = toolpage.prefill(page, held, {MASK: given}) or st.session_state.get(NEXT, {})
    if len(held.files) == 1:
        remember(held)
        take_old_drawing(page, held.files[0])
        show_picture_bar(page, held)
        compose_one(page, initial)
    elif held.files:
        compose_batch(page, held, initial)
    else:
        toolpage.ask_pictures(page, held)


# One picture: painted


@st.fragment
def compose_one(page: ToolPage, initial: Mapping[str, Any]) -> None:
    """Canvas and options in one fragment, so that no change of them rebuilds the canvas."""
    held, given = tray("inpaint"), tray("inpaint.mask")
    picture = held.files[0]
    easel = easel_for(page.services, page.actor, picture)
    form = OptionForm(InpaintParams, initial, key=form_key(page, picture))
    canvas, options = st.columns([5, 3], gap="medium")
    with options, st.container(border=True, key="options"):
        mask = ask_start(page, form, given, picture)
        ask_finish(form)
        params = InpaintParams.model_validate(form.values)
        pixels = read_mask(page, mask)
        is_masked = show_preview(params, easel.drawing, pixels, picture)
        choice = ask_model(page, form)
        form.ask_format()
        visibility = toolpage.ask_visibility(page)
        toolpage.show_expectation(
            estimate_files(page.services, page.actor, form.parse(), held.files)
        )
        if toolpage.run_button(page, held, is_ready=choice.is_installed and is_masked):
            items = [make_item(page, picture, mask, easel.drawing)]
            parent_id = toolpage.query_id("from")
            toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)
    with canvas:
        is_tinted = mask is not None or params.preset is not MaskPreset.NONE
        paint(
            easel,
            lambda view: start_mask(params, pixels, easel.drawing, view) if is_tinted else None,
        )
        with st.container(horizontal=True, vertical_alignment="center", key="canvas-state"):
            offer_named(page, easel)
            st.html(f'<span class="dr-muted dr-small" role="status">{stroke_count(easel)}</span>')


def show_picture_bar(page: ToolPage, held: Tray) -> None:
    picture = held.files[0]
    with st.container(horizontal=True, vertical_alignment="center", key="picture-bar"):
        name = escape(picture.file_name)
        size = dimensions(picture.width_px, picture.height_px)
        st.html(
            f'<p class="dr-filename">{name} <span class="dr-muted">{size}</span></p>',
            width="stretch",
        )
        if st.button("Another picture", icon=":material/image:", key="inpaint.another"):
            leave(held)
            st.rerun()
        with st.popover("Add pictures", icon=":material/add_photo_alternate:"):
            st.caption("Several pictures are run together with one mask.")
            limit = page.services.settings.max_files_per_run
            pick_files(page.services, held, key="inpaint.more", limit=limit, label="Pictures")


def offer_named(page: ToolPage, easel: Easel) -> None:
    """Drawings kept under a name: used on this picture, saved from it, forgotten."""
    with st.popover("Saved drawings", icon=":material/bookmark:"):
        if easel.drawing.strokes:
            ask_name(page, easel)
        kept = drawings.named_drawings(page.services, page.actor)
        if not kept:
            st.caption("Save a drawing under a name to use it again, on other pictures too.")
        for one in kept:
            with st.container(horizontal=True, vertical_alignment="center", key=f"named-{one.id}"):
                st.button(
                    markdown_safe(one.name),
                    icon=":material/add:",
                    help="Add it to this picture, stretched to its size.",
                    on_click=add_strokes,
                    args=(easel, one.drawing),
                    key=f"named.{one.id}.use",
                    width="stretch",
                )
                st.button(
                    "Delete",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=drawings.forget_named,
                    args=(page.services, page.actor, one.id),
                    key=f"named.{one.id}.forget",
                )


def ask_name(page: ToolPage, easel: Easel) -> None:
    with st.form("named", border=False, clear_on_submit=True):
        name = st.text_input("Name", max_chars=100, key="named.name", placeholder="Logo, date…")
        if not st.form_submit_button("Save this drawing", icon=":material/bookmark_add:"):
            return
    if name.strip():
        drawings.keep_by_name(page.services, page.actor, easel.picture, name, easel.drawing)
    else:
        st.caption(":red[Give it a name first.]")


def add_strokes(easel: Easel, more: Drawing) -> None:
    strokes = (*easel.drawing.strokes, *drawings.fit(more, easel.picture).strokes)
    easel.replace(easel.drawing.model_copy(update={"strokes": strokes}))


# Several pictures: one mask for all


def compose_batch(page: ToolPage, held: Tray, initial: Mapping[str, Any]) -> None:
    given = tray("inpaint.mask")
    pictures, options = st.columns([5, 3], gap="medium")
    with pictures:
        toolpage.ask_pictures(page, held)
    with options, st.container(border=True, key="options"):
        form = OptionForm(InpaintParams, initial, key=f"{toolpage.form_key(page)}.batch")
        drawing = ask_named(page)
        mask = ask_start(page, form, given, None)
        ask_finish(form)
        params = InpaintParams.model_validate(form.values)
        first = held.files[0]
        strokes = drawings.fit(drawing, first) if drawing else drawings.blank(first)
        is_masked = show_preview(params, strokes, read_mask(page, mask), first)
        st.caption("Shown on the first picture; drawing and mask are stretched to each.")
        choice = ask_model(page, form)
        form.ask_format()
        visibility = toolpage.ask_visibility(page)
        toolpage.show_expectation(
            estimate_files(page.services, page.actor, form.parse(), held.files)
        )
        if toolpage.run_button(page, held, is_ready=choice.is_installed and is_masked):
            items = [make_item(page, file, mask, drawing) for file in held.files]
            parent_id = toolpage.query_id("from")
            toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)


def ask_named(page: ToolPage) -> Drawing | None:
    """A drawing that was saved on one of the pictures or on any other."""
    kept = {one.id: one for one in drawings.named_drawings(page.services, page.actor)}
    chosen: UUID | None = st.selectbox(
        "Drawing",
        [None, *kept],
        format_func=lambda one: kept[one].name if one else NO_DRAWING,
        key="inpaint.named",
        help="Open one picture by itself to paint a drawing and save it under a name.",
    )
    return kept[chosen].drawing if chosen else None


# Options and runs


def ask_model(page: ToolPage, form: OptionForm) -> ModelChoice:
    choices = model_choices(page.services.settings, page.tool, "inpainting")
    choice = pick_model(choices, form.values["model"], tool=page.tool, key=f"{form.key}.model")
    form.set("model", choice.id)
    return choice


def form_key(page: ToolPage, picture: StoredFile) -> str:
    return f"{toolpage.form_key(page)}.{picture.sha256[:8]}"


def make_item(
    page: ToolPage, picture: StoredFile, mask: StoredFile | None, drawing: Drawing | None
) -> dict[str, StoredFile]:
    item = {"image": picture}
    if mask is not None:
        item[MASK] = mask
    if drawing is not None and drawing.strokes:
        item[DRAWING_ROLE] = drawings.store_drawing(page.services, drawing)
    return item


# From run to run, and back after a reload


def go_on(page: ToolPage, job: Job) -> None:
    """The result as the next picture to paint on."""
    result = find_output(job)
    if not page.actor.may_run or result is None:
        return
    st.markdown("**Go on with this result**")
    with st.container(horizontal=True, key="go-on"):
        has_mask = find_input(job, DRAWING_ROLE) or find_input(job, MASK)
        if has_mask and st.button("Keep the mask", icon=":material/layers:", key="next.keep"):
            paint_next(page, job, is_kept=True)
        if st.button("New mask", icon=":material/brush:", key="next.new"):
            paint_next(page, job, is_kept=False)


def paint_next(page: ToolPage, job: Job, *, is_kept: bool) -> None:
    result, held, given = find_output(job), tray("inpaint"), tray("inpaint.mask")
    if result is None:
        return
    picture = stored_file(result)
    hold(held, picture, result.blob.size_bytes)
    given.empty()
    drawing = drawings.blank(picture)
    st.session_state[NEXT] = dict(job.params) | {"preset": MaskPreset.NONE, "invert": False}
    if is_kept:
        st.session_state[NEXT] = job.params
        drawing = drawing_of(page.services, job, picture)
        if mask := find_input(job, MASK):
            given.take_input(mask)
    put_on_canvas(page, picture, drawing)
    st.query_params.clear()
    st.rerun()


def take_old_drawing(page: ToolPage, picture: StoredFile) -> None:
    """What ``?from=`` was painted with, once: a reload must not undo what was painted since."""
    job_id = toolpage.query_id("from")
    if job_id is None or st.query_params.get("drawing") == job_id.hex:
        return
    st.query_params["drawing"] = job_id.hex
    job = get_run(page.services, page.actor, job_id)
    if job is not None and job.tool == page.tool:
        put_on_canvas(page, picture, drawing_of(page.services, job, picture))


def put_on_canvas(page: ToolPage, picture: StoredFile, drawing: Drawing) -> None:
    """What lay there before can be brought back."""
    before = drawings.load_sheet(page.services, page.actor, picture).drawing
    drawings.save_change(page.services, page.actor, picture, before, drawing)


def remember(held: Tray) -> None:
    """Put the picture in the address, so that a reload shows it again."""
    picture = held.files[0]
    st.query_params["picture"] = picture.sha256
    st.query_params["name"] = picture.file_name


def reopen(page: ToolPage, held: Tray) -> None:
    """After a reload, take up the picture that the address names."""
    sha256 = st.query_params.get("picture")
    if held.files or not sha256:
        return
    blob = drawings.find_picture(page.services, page.actor, sha256)
    if blob is not None:
        name = st.query_params.get("name", "picture")
        picture = StoredFile(sha256, name, blob.media_type, blob.width_px, blob.height_px)
        hold(held, picture, blob.size_bytes)


def hold(held: Tray, picture: StoredFile, size_bytes: int) -> None:
    held.empty()
    held.chosen.append(Chosen(picture, size_bytes, thumbnail_url(picture.sha256)))


def leave(held: Tray) -> None:
    held.empty()
    st.session_state.pop(NEXT, None)
    st.query_params.clear()


if __name__ == "__main__":
    main()
