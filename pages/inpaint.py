"""Inpaint: paint over what is to go, and the picture closes over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app.painting import drawings
from app.painting.canvas_json import View
from app.painting.drawings import drawing_of
from app.painting.mask_preview import start_mask
from app.runs.parameters import initial_values
from app.runs.reading import find_input, find_output, get_run, stored_file
from app.ui import memory, toolpage
from app.ui.asked import asked
from app.ui.canvas.controls import stroke_count
from app.ui.canvas.easel import Easel, easel_for
from app.ui.canvas.named import offer_named
from app.ui.canvas.painting import Beneath, paint
from app.ui.canvas.pictures import forget, painted_picture, reopen, show_pictures
from app.ui.choosing import ask_model
from app.ui.faults import saying_faults
from app.ui.guard import fragment
from app.ui.layout import go_to, header
from app.ui.literal import literal, literal_sentence
from app.ui.masks import ask_finish, ask_start, read_mask, show_preview
from app.ui.options import OptionForm
from app.ui.signed_in import require_runner, require_user
from app.ui.stage import style
from app.ui.submitting import ask_run
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray, tray
from app.ui.unbroken import unbroken
from app.ui.words import _, said
from db.actor import Actor
from db.models import Job, JobOutput
from db.repositories.drawings import StrokeCount
from studio.errors import StorageAwayError, StorageError, UserInputError
from studio.imaging.drawing import Drawing
from studio.params import InpaintParams, MaskPreset
from studio.tools.inpaint.spec import SPEC
from studio.tools.spec import DRAWING_ROLE
from tasks.files import StoredFile
from tasks.requests import RunItem
from tasks.services import get_services

MASK = "mask"


def main() -> None:
    page = ToolPage(get_services(), require_user(), SPEC)
    header(said(SPEC.title), _("Paint over what is to go, and the picture closes over it."))
    style()
    toolpage.show(page, compose=compose, beside_result=go_on)


def compose(page: ToolPage) -> None:
    held, given = tray("inpaint"), tray("inpaint.mask")
    reopen(page, held)
    toolpage.prefill(page, held, {MASK: given})
    if not held.files:
        forget(held)
        toolpage.ask_pictures(page, held)
        return
    picture = painted_picture(held)
    take_old_drawing(page, picture)
    saved = drawings.painted_on(page.services, page.actor, held.files)
    show_pictures(page, held, picture, saved)
    compose_painted(picture, saved)


@fragment(who=require_runner)
def compose_painted(actor: Actor, picture: StoredFile, saved: Mapping[str, StrokeCount]) -> None:
    """Canvas and options in one fragment, so that no change of them rebuilds the canvas.

    ``saved`` is how much was painted on the other pictures when this one came on the canvas.
    """
    page = ToolPage(get_services(), actor, SPEC)
    held, given = tray("inpaint"), tray("inpaint.mask")
    easel = easel_for(page.services, page.actor, picture)
    canvas, options = toolpage.sides()
    beneath: Beneath = nothing_beneath
    # What fails beside the canvas must not end the run before it: it would go, and with it the
    # strokes that are not on record yet.
    with options, saying_faults("the options of Inpaint"):
        beneath = ask_options(page, held, given, easel, saved)
    with canvas:
        paint(actor, easel, beneath)
        with st.container(horizontal=True, vertical_alignment="center", key="canvas-state"):
            offer_named(actor, easel, others_of(held, easel))
            st.html(f'<span class="dr-muted dr-small" role="status">{stroke_count(easel)}</span>')


def nothing_beneath(_view: View) -> None:
    """Nothing is masked before anything is painted."""


def ask_options(
    page: ToolPage, held: Tray, given: Tray, easel: Easel, saved: Mapping[str, StrokeCount]
) -> Beneath:
    """The options and the button. Returns what is masked before anything is painted."""
    picture, others = easel.picture, others_of(held, easel)
    form = OptionForm(InpaintParams, memory.recall(InpaintParams).params, key=form_key(page, held))
    masks = ask_start(page, form, given, held.files)
    ask_finish(form)
    params = InpaintParams.model_validate(form.values)
    pixels = read_mask(page, masks.get(picture.sha256))
    is_masked = show_preview(page, params, easel.drawing, pixels, picture)
    bare = [
        one for one in others if not will_mask(params, masks.get(one.sha256), saved.get(one.sha256))
    ]
    say_of_others(others, bare)
    choice = ask_model(page, form, "inpainting")
    form.ask_format()
    ask_run(
        page,
        form,
        held,
        lambda file: make_item(
            page, file, masks.get(file.sha256), newest_drawing(page, file, easel)
        ),
        beside=lambda file: {MASK: [mask]} if (mask := masks.get(file.sha256)) else {},
        is_ready=choice.is_installed and is_masked and not bare,
    )
    if pixels is None and params.preset is MaskPreset.NONE:
        return nothing_beneath
    return lambda view: start_mask(params, pixels, easel.drawing, view)


def others_of(held: Tray, easel: Easel) -> Sequence[StoredFile]:
    """The pictures of the tray that are not on the canvas."""
    return [file for file in held.files if file.sha256 != easel.picture.sha256]


def will_mask(params: InpaintParams, mask: StoredFile | None, count: StrokeCount | None) -> bool:
    """Whether there is anything that a run may repaint, of a picture that is not looked into."""
    is_painted = count is not None and count.painting > 0
    return is_painted or not params.lacks({MASK} if mask else set())


def say_of_others(others: Sequence[StoredFile], bare: Sequence[StoredFile]) -> None:
    if bare:
        names = tuple(literal(file.file_name) for file in bare)
        st.warning(
            _("Not masked yet: {names}. Paint on them, or take them out.", names=names),
            icon=":material/brush:",
        )
    elif others:
        st.caption(
            _("You paint on this picture alone; the start, the model and all else go for each.")
        )


def newest_drawing(page: ToolPage, file: StoredFile, easel: Easel) -> Drawing | None:
    """What is on the canvas, or what is saved of a picture that is not there.

    Raises:
        Refusal: not all that was painted on the canvas is in it.

    """
    if file.sha256 == easel.picture.sha256:
        return easel.whole(page.actor)
    return drawings.find_drawing(page.services, page.actor, file)


# Options and runs


def form_key(page: ToolPage, held: Tray) -> str:
    """One form for all pictures of the tray; another single picture has its own."""
    which = "several" if len(held.files) > 1 else held.files[0].sha256[:8]
    return f"{toolpage.form_key(page)}.{which}"


def make_item(
    page: ToolPage, picture: StoredFile, mask: StoredFile | None, drawing: Drawing | None
) -> RunItem:
    files = {}
    if mask is not None:
        files[MASK] = [mask]
    if drawing is not None and drawing.strokes:
        files[DRAWING_ROLE] = [drawings.store_drawing(page.services, drawing)]
    return page.item(picture, files)


# From run to run, and back after a reload


def go_on(page: ToolPage, job: Job) -> None:
    """The result as the next picture to paint on."""
    result = find_output(job)
    if not page.actor.may_run or result is None:
        return
    st.markdown(_("**Go on with this result**"))
    with st.container(horizontal=True, key="go-on"):
        has_mask = find_input(job, DRAWING_ROLE) or find_input(job, MASK)
        if has_mask:
            asked(
                _("Keep the mask"),
                lambda: paint_next(page, job, result, is_kept=True),
                key=f"next.keep.{job.id.hex}",
                icon=":material/layers:",
            )
        asked(
            _("New mask"),
            lambda: paint_next(page, job, result, is_kept=False),
            key=f"next.new.{job.id.hex}",
            icon=":material/brush:",
        )


def paint_next(page: ToolPage, job: Job, result: JobOutput, *, is_kept: bool) -> bool:
    held, given = tray("inpaint"), tray("inpaint.mask")
    picture = stored_file(result)
    if is_kept:
        drawing, options = drawing_of(page.services, job, picture), initial_values(job)
        masks = [file for file in job.inputs if file.role == MASK]
    else:
        drawing, masks = drawings.blank(picture), []
        options = initial_values(job) | {"preset": MaskPreset.NONE, "invert": False}
    # What a failing record would leave half done is least in this order: the pictures go last.
    drawings.put_in_place(page.services, page.actor, picture, drawing)
    memory.start_from(InpaintParams, options, None)
    given.hold(*masks)
    held.hold(result)
    go_to(page.tool)
    return True


def take_old_drawing(page: ToolPage, picture: StoredFile) -> None:
    """What ``?from=`` was painted with, once: a reload must not undo what was painted since."""
    job_id = toolpage.query_id("from")
    if job_id is None or st.query_params.get("drawing") == job_id.hex:
        return
    job = get_run(page.services, page.actor, job_id)
    drawing = old_drawing(page, job, picture) if job and job.tool == page.tool else None
    with unbroken():
        if drawing is not None:
            drawings.put_in_place(page.services, page.actor, picture, drawing)
        st.query_params["drawing"] = job_id.hex


def old_drawing(page: ToolPage, job: Job, picture: StoredFile) -> Drawing | None:
    """What the run was painted with; said, and None, where that can be had no more.

    Raises:
        StorageAwayError: it cannot be had just now.
        RetriableError: too many files are being read.

    """
    try:
        return drawing_of(page.services, job, picture)
    except StorageAwayError:
        raise
    except (StorageError, UserInputError) as gone:
        st.warning(literal_sentence(gone), icon=":material/info:")
        return None


if __name__ == "__main__":
    main()
