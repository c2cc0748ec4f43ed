"""Where a mask comes from besides painting, how it is finished, and what it will look like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum

import streamlit as st

from app.formatting import ago
from app.painting.mask_preview import has_mask
from app.painting.mask_sources import find_masks, mask_of, mask_offers, read_given, request_mask
from app.runs.reading import main_input, stored_file
from app.ui import states
from app.ui.asked import asked
from app.ui.guard import acting
from app.ui.literal import literal, literal_sentence
from app.ui.mask_figure import mask_figure
from app.ui.options import OptionForm
from app.ui.progress import watch
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray
from app.ui.uploader import pick_files
from app.ui.words import _, said
from db.actor import Actor
from db.models import Job
from db.states import JobState
from studio.errors import StudioError
from studio.imaging.drawing import Drawing
from studio.imaging.picture import Pixels
from studio.params import InpaintParams, MaskPreset
from studio.tools.spec import MaskOffer, ToolSpec
from studio.words import N_
from tasks.files import StoredFile

_BY = "by-"
"""Before the name of a tool, in what a start is called that the tool makes."""
_READY_MADE = [MaskPreset.CORNER, MaskPreset.CENTRE, MaskPreset.FULL]


class Start(StrEnum):
    """What is masked before anything is painted, where no other tool is asked to find it."""

    NOTHING = "nothing"
    UPLOAD = "upload"
    READY_MADE = "ready-made"


_STARTS: dict[str, str] = {
    Start.NOTHING: N_("Nothing"),
    Start.UPLOAD: N_("A mask picture"),
    Start.READY_MADE: N_("A ready-made mask"),
}


def ask_start(
    page: ToolPage, form: OptionForm, given: Tray, pictures: Sequence[StoredFile]
) -> Mapping[str, StoredFile]:
    """Ask what to start from. Returns the given masks that are there, by digest of the picture."""
    offers = {f"{_BY}{spec.name}": (spec, offer) for spec, offer in mask_offers()}
    titles = _STARTS | {start: offer.title for start, (_spec, offer) in offers.items()}
    starts = [Start.NOTHING, *offers, Start.UPLOAD, Start.READY_MADE]
    initial = Start.NOTHING
    if form.values["preset"] is not MaskPreset.NONE:
        initial = Start.READY_MADE
    elif given.files:
        initial = Start.UPLOAD
    chosen = st.selectbox(
        _("Start from"),
        starts,
        index=starts.index(initial),
        format_func=lambda start: said(titles[start]),
        key=f"{form.key}.start",
        help=_("What you paint is added to it, and the eraser takes away from both."),
    )
    if chosen == Start.READY_MADE:
        _ask_preset(form)
    else:
        form.set("preset", MaskPreset.NONE)
    if chosen == Start.UPLOAD:
        mask = _ask_upload(page, given)
        return {picture.sha256: mask for picture in pictures} if mask else {}
    return _ask_search(page, pictures, *offers[chosen]) if chosen in offers else {}


def ask_finish(form: OptionForm) -> None:
    """Invert, grow, feather."""
    form.ask("invert")
    form.ask("grow_px")
    form.ask("feather_px")


def read_mask(page: ToolPage, mask: StoredFile | None) -> Pixels | None:
    """The pixels of a given mask as a run takes them, ``uint8 (H, W)``, 0 or 255.

    Raises:
        StorageError: the stored file is gone.

    """
    return None if mask is None else read_given(page.services, mask, owner=page.actor.id)


def show_preview(
    page: ToolPage,
    params: InpaintParams,
    drawing: Drawing,
    given: Pixels | None,
    picture: StoredFile,
) -> bool:
    """What will be repainted, small. Returns whether that is anything, be it too small to show."""
    figure = mask_figure(page.services, params, drawing, given, picture, owner=page.actor.id)
    is_masked = figure.part > 0 or has_mask(params, drawing, given, owner=page.actor.id)
    words = _("Repaints {share}", share=figure.share) if is_masked else _("Nothing is masked yet")
    st.html(figure.markup(words))
    return is_masked


def _ask_preset(form: OptionForm) -> None:
    preset = form.ask("preset", choices=_READY_MADE)
    if preset is MaskPreset.FULL:
        return
    if preset is MaskPreset.CORNER:
        form.ask("corner", widget="select")
    form.ask("preset_size_ratio")


def _take_out(_actor: Actor, given: Tray) -> None:
    given.empty()


def _ask_upload(page: ToolPage, given: Tray) -> StoredFile | None:
    pick_files(
        page.services,
        given,
        key=f"{page.tool}.mask",
        limit=1,
        label=_("Mask"),
        invitation=_("Drop the mask here"),
    )
    if not given.files:
        st.caption(_("White is repainted, black stays. It is stretched to the picture."))
        return None
    with st.container(horizontal=True, vertical_alignment="center", key="given-mask"):
        st.markdown(f":material/texture: {literal(given.files[0].file_name)}")
        st.button(
            _("Remove"),
            icon=":material/close:",
            type="tertiary",
            key="mask.remove",
            on_click=acting(_take_out),
            args=(given,),
        )
    return given.files[0]


def _ask_search(
    page: ToolPage, pictures: Sequence[StoredFile], spec: ToolSpec, offer: MaskOffer
) -> Mapping[str, StoredFile]:
    """The masks another tool makes of the pictures, made now where they have not been made."""

    def read(actor: Actor) -> list[Job]:
        found = (find_masks(page.services, actor, picture, spec) for picture in pictures)
        return [job for jobs in found for job in jobs]

    jobs = read(page.actor)
    if jobs and watch(page.services, page.actor, read, key=f"mask-{spec.name}", drawn=jobs):
        return {}
    made: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        picture = main_input(job)
        if picture is not None and mask_of(job):
            made[picture.blob_sha256].append(job)
    lacking = [picture for picture in pictures if picture.sha256 not in made]
    if lacking:
        _say_failed(jobs, lacking)
        _offer_search(page, lacking, spec, offer)
    chosen = {sha256: _choose_run(page, runs, spec) for sha256, runs in made.items()}
    masks = {sha256: mask_of(job) for sha256, job in chosen.items()}
    return {sha256: stored_file(mask) for sha256, mask in masks.items() if mask}


def _say_failed(jobs: Sequence[Job], lacking: Sequence[StoredFile]) -> None:
    """Why the first of ``lacking`` has no mask, where one was looked for and not found."""
    digests = {picture.sha256 for picture in lacking}
    for job in jobs:
        picture = main_input(job)
        if job.state is JobState.FAILED and picture and picture.blob_sha256 in digests:
            states.failure(job.id, job.error_code, job.error_message)
            return


def _choose_run(page: ToolPage, runs: Sequence[Job], spec: ToolSpec) -> Job:
    """The newest of a picture's ``runs`` that made a mask, or another one."""
    if len(runs) == 1:
        return runs[0]
    by_id = {run.id: run for run in runs}
    chosen = st.selectbox(
        _("Outline of {name}", name=literal(runs[0].title)),
        list(by_id),
        format_func=lambda one: f"{by_id[one].model}, {said(ago(by_id[one].queued_at))}",
        key=f"{page.tool}.{spec.name}.run.{runs[0].id.hex}",
    )
    return by_id[chosen]


def _offer_search(
    page: ToolPage, pictures: Sequence[StoredFile], spec: ToolSpec, offer: MaskOffer
) -> None:
    key = f"{page.tool}.{spec.name}.find"
    asked(
        said(offer.action),
        lambda: _request_masks(page, pictures, offer),
        key=key,
        icon=":material/search:",
    )


def _request_masks(page: ToolPage, pictures: Sequence[StoredFile], offer: MaskOffer) -> bool:
    try:
        for picture in pictures:
            request_mask(page.services, page.actor, picture, offer)
    except StudioError as error:
        st.error(literal_sentence(error), icon=":material/error:")
        return False
    return True
