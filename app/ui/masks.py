"""Where a mask comes from besides painting, how it is finished, and what it will look like."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

from app.faces import SEARCH
from app.mask_sources import CUTOUT, find_masks, mask_of, read_given
from app.mask_sources import start_mask as start_search
from app.runs import stored_file
from app.ui import states
from app.ui.format import ago, markdown_safe
from app.ui.mask_figure import mask_figure
from app.ui.options import OptionForm
from app.ui.progress import watch
from app.ui.toolpage import ToolPage
from app.ui.uploader import Tray, pick_files
from db.models import Job
from db.states import JobState
from studio.errors import StudioError
from studio.imaging.drawing import Drawing
from studio.imaging.picture import Pixels
from studio.params import InpaintParams, MaskPreset
from tasks.files import StoredFile

_READY_MADE = [MaskPreset.CORNER, MaskPreset.CENTRE, MaskPreset.FULL]


class Start(StrEnum):
    """What is masked before anything is painted."""

    NOTHING = "Nothing"
    SUBJECT = "The subject"
    FACES = "All faces"
    UPLOAD = "A mask picture"
    READY_MADE = "A ready-made mask"


_SEARCHES = {Start.SUBJECT: CUTOUT, Start.FACES: SEARCH}
_FIND = {CUTOUT: "Find the subject", SEARCH: "Find faces"}


def ask_start(
    page: ToolPage, form: OptionForm, given: Tray, picture: StoredFile | None
) -> StoredFile | None:
    """Ask what to start from. Returns the given mask, when it is a file that is there."""
    offered = [one for one in Start if picture is not None or one not in _SEARCHES]
    initial = Start.NOTHING
    if form.values["preset"] is not MaskPreset.NONE:
        initial = Start.READY_MADE
    elif given.files:
        initial = Start.UPLOAD
    chosen = st.selectbox(
        "Start from",
        offered,
        index=offered.index(initial),
        key=f"{form.key}.start",
        help="What you paint is added to it, and the eraser takes away from both.",
    )
    if chosen is Start.READY_MADE:
        _ask_preset(form)
    else:
        form.set("preset", MaskPreset.NONE)
    if chosen is Start.UPLOAD:
        return _ask_upload(page, given)
    if chosen in _SEARCHES and picture is not None:
        return _ask_search(page, picture, _SEARCHES[chosen])
    return None


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
    return None if mask is None else read_given(page.services, mask)


def show_preview(
    params: InpaintParams, drawing: Drawing, given: Pixels | None, picture: StoredFile
) -> bool:
    """What will be repainted, small. Returns whether there is anything."""
    figure = mask_figure(params, drawing, given, picture)
    st.html(figure.markup(f"Repaints {figure.share}" if figure.part else "Nothing is masked yet"))
    return not figure.is_empty


def _ask_preset(form: OptionForm) -> None:
    preset = form.ask("preset", choices=_READY_MADE)
    if preset is MaskPreset.FULL:
        return
    if preset is MaskPreset.CORNER:
        form.ask("corner", widget="select")
    form.ask("preset_size_ratio")


def _ask_upload(page: ToolPage, given: Tray) -> StoredFile | None:
    if given.files:
        with st.container(horizontal=True, vertical_alignment="center", key="given-mask"):
            st.markdown(f":material/texture: {markdown_safe(given.files[0].file_name)}")
            if st.button("Remove", icon=":material/close:", type="tertiary", key="mask.remove"):
                given.empty()
                st.rerun()
        return given.files[0]
    pick_files(page.services, given, key=f"{page.tool}.mask", limit=1, label="Mask")
    st.caption("White is repainted, black stays. It is stretched to the picture.")
    return None


def _ask_search(page: ToolPage, picture: StoredFile, tool: str) -> StoredFile | None:
    """The mask another tool makes of the picture, made now if it has not been made."""

    def read() -> list[Job]:
        return list(find_masks(page.services, page.actor, picture, tool))

    jobs = read()
    if jobs and watch(page.services, page.actor, read, key=f"mask-{tool}"):
        return None
    made = {job.id: job for job in jobs if mask_of(job)}
    if made:
        chosen = next(iter(made))
        if len(made) > 1:
            chosen = st.selectbox(
                "Run",
                list(made),
                format_func=lambda one: f"{made[one].model}, {ago(made[one].queued_at)}",
                key=f"{page.tool}.{tool}.run",
            )
        mask = mask_of(made[chosen])
        return stored_file(mask) if mask else None
    failed = next((job for job in jobs if job.state is JobState.FAILED), None)
    if failed:
        states.failure(failed.error_code, failed.error_message)
    if st.button(_FIND[tool], icon=":material/search:", key=f"{page.tool}.{tool}.find"):
        try:
            start_search(page.services, page.actor, picture, tool)
        except StudioError as error:
            st.error(error.message, icon=":material/error:")
            return None
        st.rerun()
    return None
