"""Face swap: who becomes whom, after a plain confirmation that everybody has agreed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.consent import give_consent, has_consented
from app.estimates import estimate_files
from app.faces import find_search, found_faces, start_search
from app.navigation import FACESWAP
from app.runs import main_input
from app.saved_faces import delete_face, save_face, saved_faces, stored_face
from app.security import require_user, visitor
from app.ui import states, toolpage
from app.ui.format import count
from app.ui.layout import header
from app.ui.links import thumbnail_url
from app.ui.models import (
    ModelChoice,
    missing_helpers,
    missing_weights,
    missing_weights_of,
    model_choices,
    pick_model,
)
from app.ui.options import OptionForm, label_of
from app.ui.progress import watch
from app.ui.regions import crop, show_regions
from app.ui.result import notes_of
from app.ui.toolpage import ToolPage
from app.ui.uploader import Chosen, Tray, pick_files, show_tray, tray
from db.models import Job, SavedFace
from db.states import JobState
from studio.errors import Region, StudioError
from studio.params import MESH, FaceChoice, FaceswapParams, ImageFormat
from studio.tools.spec import TOOLS
from tasks.services import get_services
from tasks.submit import Item, StoredFile

MAX_SOURCES = 8
FACE_BY_FACE = "face-by-face"  # a table instead of a rule


def main() -> None:
    page = ToolPage(get_services(), require_user(), "faceswap", FACESWAP, "Swap faces")
    header("Face swap", "Put a face in place of another, in light, colour and sharpness.")
    toolpage.show(page, compose=compose)


def compose(page: ToolPage) -> None:
    if not has_consented(page.services, page.actor, page.tool):
        ask_consent(page)
        return
    targets, sources = tray("faceswap"), tray("faceswap.source")
    reference = tray("faceswap.reference")
    initial = toolpage.prefill(page, targets, {"source": sources, "reference": reference})
    form = OptionForm(FaceswapParams, initial, key=toolpage.form_key(page))
    pictures, options = st.columns([5, 3], gap="medium")
    with pictures:
        st.subheader("1 · Picture to change", anchor=False)
        toolpage.ask_pictures(page, targets)
        st.subheader("2 · New faces", anchor=False)
        searches = search_faces(page, targets, sources)
        ask_sources(page, sources, searches)
        is_assigned = False
        if targets.files and sources.files:
            st.subheader("3 · Who becomes whom", anchor=False)
            is_assigned = ask_faces(page, form, targets, sources, reference, searches)
    with options, st.container(border=True, key="options"):
        is_installed = ask_model(page, form)
        ask_engine(form)
        is_installed = ask_enhancer(page, form) and is_installed
        ask_format(form)
        visibility = toolpage.ask_visibility(page)
        st.caption("Whoever may see a run sees its source faces, too.")
        toolpage.show_expectation(
            estimate_files(page.services, page.actor, form.parse(), targets.files)
        )
        if toolpage.run_button(page, targets, is_ready=is_installed and is_assigned):
            items = [make_item(form, file, sources, reference) for file in targets.files]
            parent_id = toolpage.query_id("from")
            toolpage.send(page, form, items, visibility=visibility, parent_id=parent_id)


def make_item(form: OptionForm, target: StoredFile, sources: Tray, reference: Tray) -> Item:
    item: dict[str, StoredFile | Sequence[StoredFile]] = {
        "image": target,
        "source": sources.files,
    }
    is_compared = form.values["faces"] is None and form.values["choice"] is FaceChoice.LIKENESS
    if is_compared and reference.files:
        item["reference"] = reference.files[0]
    return item


# Consent


def ask_consent(page: ToolPage) -> None:
    """What the tool does and what it asks for, before anything else."""
    with st.container(border=True, key="consent", gap="small"):
        st.subheader("Before your first face swap", anchor=False)
        st.markdown(
            "This tool replaces faces in photographs with other people's. The results can look "
            "real, so the studio asks you once:\n"
            "- **Agreement.** Everybody whose face you use or replace must have agreed to it.\n"
            "- **Marked as edited.** Each result carries a note inside the file that says it was "
            "composed, by which run and from which files.\n"
            "- **On record.** The studio keeps who ran what, and this confirmation with its time."
        )
        agrees = st.checkbox(TOOLS[page.tool].consent, key="consent.agrees")
        if st.button("Confirm and go on", type="primary", disabled=not agrees, key="consent.give"):
            give_consent(page.services, page.actor, page.tool, visitor())
            st.rerun()


# Searching


def search_faces(page: ToolPage, targets: Tray, sources: Tray) -> dict[str, Job]:
    """The finished searches by picture, of one target and of all sources; starts new ones.

    A face from the library is not searched: it would become part of a run that admins see.
    """
    private = {face.blob_sha256 for face in saved_faces(page.services, page.actor)}
    files = [*targets.files, *sources.files] if len(targets.files) == 1 else sources.files
    for file in files:
        is_known = find_search(page.services, page.actor, file) is not None
        if not is_known and (file in targets.files or file.sha256 not in private):
            start_search(page.services, page.actor, file)

    def read() -> list[Job]:
        found = (find_search(page.services, page.actor, file) for file in files)
        return [job for job in found if job]

    if files:
        watch(page.services, page.actor, read, key="faces")
    return {main_input(job).blob_sha256: job for job in read() if job.state.is_terminal}


def show_failed_search(page: ToolPage, job: Job, file: StoredFile) -> None:
    states.failure(job.error_code, job.error_message or "The search for faces was stopped.")
    if job.error_regions:
        show_regions(job)
    if st.button("Look again", icon=":material/refresh:", key=f"search-{file.sha256[:12]}"):
        start_search(page.services, page.actor, file)
        st.rerun()


# Sources


def ask_sources(page: ToolPage, sources: Tray, searches: dict[str, Job]) -> None:
    """Uploads and saved faces in one numbered row."""
    if len(sources.chosen) < MAX_SOURCES:
        label = "Faces to put in"
        pick_files(page.services, sources, key="faceswap.source", limit=MAX_SOURCES, label=label)
    library = saved_faces(page.services, page.actor)
    if library:
        show_library(page, sources, library)
    if not sources.chosen:
        return
    saved = {face.blob_sha256 for face in library}
    with st.grid(min_column_width=140, gap="small", key="sources") as grid:
        for number, one in enumerate(sources.chosen):
            with grid.cell(), st.container(key=f"source-{number}", gap="xsmall"):
                show_source(number, one, searches.get(one.file.sha256))
                offer_keeping(page, sources, number, is_saved=one.file.sha256 in saved)


def show_source(number: int, one: Chosen, search: Job | None) -> None:
    regions = found_faces(search) if search else ()
    largest = max(regions, key=area, default=None)
    name = escape(one.file.file_name)
    if search and largest:
        picture = crop(main_input(search), largest, f"Source {number + 1}")
    else:
        picture = f'<div class="dr-crop"><img class="dr-whole" src="{one.thumbnail}" alt=""></div>'
    st.html(
        f'{picture}<p class="dr-face"><b>Source {number + 1}</b>'
        f'<span class="dr-muted" title="{name}">{name}</span>'
        f"{describe_source(search, len(regions))}</p>"
    )


def offer_keeping(page: ToolPage, sources: Tray, number: int, *, is_saved: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        if is_saved:
            st.html('<span class="dr-pill dr-succeeded">Saved</span>')
        else:
            with st.popover("Save", icon=":material/bookmark_add:"):
                ask_save(page, sources.chosen[number])
        if st.button(
            "",
            key=f"source-{number}.remove",
            icon=":material/close:",
            help=f"Remove source {number + 1}",
            type="tertiary",
        ):
            sources.chosen.pop(number)
            st.rerun()


def describe_source(search: Job | None, faces: int) -> str:
    """Markup of which face is used, or why none can be."""
    if search and search.state is not JobState.SUCCEEDED:
        reason = search.error_message or "The search for faces was stopped."
        return f'<span class="dr-warn">{escape(reason)}</span>'
    if search and not faces:
        return '<span class="dr-warn">No face found: choose another picture</span>'
    return f"<span>{faces} faces, the largest is used</span>" if faces > 1 else ""


def ask_save(page: ToolPage, one: Chosen) -> None:
    with st.form(f"save-{one.file.sha256[:12]}", border=False, width=260):
        name = st.text_input("Name", placeholder="Whose face it is", max_chars=100)
        st.caption(
            "Only you see your saved faces, admins neither. What you run with them is seen like "
            "any run."
        )
        if not st.form_submit_button("Save face", type="primary", width="stretch"):
            return
    try:
        save_face(page.services, page.actor, one.file, name)
    except StudioError as error:
        st.error(error.message, icon=":material/error:")
        return
    st.rerun()


def show_library(page: ToolPage, sources: Tray, library: Sequence[SavedFace]) -> None:
    """The person's own saved faces, to use or to delete."""
    label = f"Your saved faces ({len(library)})"
    with st.expander(label, icon=":material/bookmarks:", expanded=not sources.chosen):
        st.caption("Only you see them, admins neither.")
        with st.grid(min_column_width=110, gap="small", key="library") as grid:
            for face in library:
                with grid.cell(), st.container(key=f"saved-{face.id.hex}", gap="xxsmall"):
                    show_saved(page, sources, face)


def show_saved(page: ToolPage, sources: Tray, face: SavedFace) -> None:
    st.html(
        f'<div class="dr-crop"><img class="dr-whole" src="{thumbnail_url(face.blob_sha256)}" '
        f'alt=""></div><p class="dr-face"><b>{escape(face.name)}</b></p>'
    )
    is_used = face.blob_sha256 in {file.sha256 for file in sources.files}
    is_full = len(sources.chosen) >= MAX_SOURCES
    with st.container(horizontal=True, gap="xxsmall"):
        if st.button(
            "Used" if is_used else "Use", key=f"use-{face.id.hex}", disabled=is_used or is_full
        ):
            url = thumbnail_url(face.blob_sha256)
            sources.chosen.append(Chosen(stored_face(face), face.blob.size_bytes, url))
            st.rerun()
        if st.button(
            "",
            key=f"forget-{face.id.hex}",
            icon=":material/delete:",
            help=f"Delete {face.name}",
            type="tertiary",
        ):
            confirm_delete(page, face)


@st.dialog("Delete this face?", icon=":material/delete:")
def confirm_delete(page: ToolPage, face: SavedFace) -> None:
    st.write(f"**{escape(face.name)}** leaves your library. Runs that used it keep their copy.")
    if st.button(
        "Delete",
        type="primary",
        key="delete-face",
        on_click=delete_face,
        args=(page.services, page.actor, face.id, visitor()),
    ):
        st.rerun()


# Who becomes whom


def ask_faces(
    page: ToolPage,
    form: OptionForm,
    targets: Tray,
    sources: Tray,
    reference: Tray,
    searches: dict[str, Job],
) -> bool:
    """A table for one picture, or a rule for any number; returns whether it can be run."""
    is_single = len(targets.files) == 1
    way = ask_way(form, is_single=is_single)
    if way == FACE_BY_FACE:
        return ask_table(page, form, targets.files[0], sources, searches)
    form.set("faces", None)
    form.set("choice", FaceChoice(way))
    st.caption(form_help(FaceChoice(way)))
    return way != FaceChoice.LIKENESS or ask_likeness(page, form, reference)


def ask_way(form: OptionForm, *, is_single: bool) -> str:
    ways = [FACE_BY_FACE, *FaceChoice] if is_single else list(FaceChoice)
    chosen = str(form.values["choice"])
    is_fresh = form.values == FaceswapParams().model_dump()
    if is_single and (is_fresh or form.values["faces"] is not None):
        chosen = FACE_BY_FACE
    return str(
        st.segmented_control(
            "Which faces",
            [str(way) for way in ways],
            default=chosen,
            required=True,
            format_func=lambda way: (
                "Face by face" if way == FACE_BY_FACE else label_of(FaceChoice(way))
            ),
            key=f"{form.key}.way.{is_single}",
            label_visibility="collapsed",
        )
    )


def form_help(choice: FaceChoice) -> str:
    return {
        FaceChoice.LARGEST: "The first source replaces the largest face of each picture.",
        FaceChoice.LEFT_TO_RIGHT: "From left to right, each face gets the next source.",
        FaceChoice.ALL: "The first source replaces every face.",
        FaceChoice.LIKENESS: "The first source replaces the faces that look like the reference.",
    }[choice]


def ask_table(
    page: ToolPage,
    form: OptionForm,
    target: StoredFile,
    sources: Tray,
    searches: dict[str, Job],
) -> bool:
    """Each found face with a select box of the sources."""
    search = searches.get(target.sha256)
    if search is None:
        st.caption("The faces of the picture are being looked for.")
        return False
    if search.state is not JobState.SUCCEEDED:
        show_failed_search(page, search, target)
        return False
    faces = found_faces(search)
    if not faces:
        states.empty("No face to replace", " ".join(notes_of(search)), icon="face")
        return False
    chosen = ask_assignment(form, search, faces, len(sources.files))
    form.set("faces", tuple(chosen))
    if all(one is None for one in chosen):
        st.warning("Every face is left alone. Choose a source for at least one.")
        return False
    return True


def ask_assignment(
    form: OptionForm, search: Job, faces: Sequence[Region], sources: int
) -> list[int | None]:
    st.caption(f"{count(len(faces), 'face')} found, from left to right.")
    given = form.values["faces"] or ()
    largest = max(range(len(faces)), key=lambda number: area(faces[number]))
    chosen: list[int | None] = []
    with st.grid(min_column_width=140, gap="small", key="faces") as grid:
        for number, face in enumerate(faces):
            first = 0 if number == largest else None
            start = given[number] if len(given) == len(faces) else first
            with grid.cell(), st.container(key=f"face-{number}", gap="xsmall"):
                st.html(crop(main_input(search), face, f"Face {number + 1}"))
                chosen.append(ask_one(form, search, number, sources, start))
    return chosen


def ask_one(
    form: OptionForm, search: Job, number: int, sources: int, start: int | None
) -> int | None:
    options = ["Leave alone", *(f"Source {source + 1}" for source in range(sources))]
    is_there = start is not None and start < sources
    picked = st.selectbox(
        f"Face {number + 1}",
        range(len(options)),
        index=start + 1 if start is not None and is_there else 0,
        format_func=options.__getitem__,
        # Other sources make another box, so that no choice points to one that is gone.
        key=f"{form.key}.face.{search.id.hex}.{number}.{sources}",
    )
    return picked - 1 if picked else None


def ask_likeness(page: ToolPage, form: OptionForm, reference: Tray) -> bool:
    """The reference and how alike; needs a recognition model."""
    choices = model_choices(page.services.settings, page.tool, "face-embedding")
    installed = [choice for choice in choices if choice.is_installed]
    if not installed:
        for choice in choices[:1]:
            if choice.spec:
                missing_weights(choice.spec)
        return False
    form.ask("likeness")
    pick_files(
        page.services, reference, key="faceswap.reference", limit=1, label="Reference picture"
    )
    show_tray(reference)
    return bool(reference.files)


def area(region: Region) -> float:
    return region.width * region.height


# Options


def ask_model(page: ToolPage, form: OptionForm) -> bool:
    settings = page.services.settings
    choices = model_choices(settings, page.tool, "face-swap")
    choice = pick_model(choices, form.values["model"], key=f"{form.key}.model")
    form.set("model", choice.id)
    missing = missing_helpers(settings)
    missing_weights_of(missing)
    return choice.is_installed and not missing


def ask_engine(form: OptionForm) -> None:
    """What belongs to the chosen way of working alone."""
    if form.values["model"] == MESH:
        with st.expander("Shape and what covers the face"):
            form.ask("shape")
            form.ask("occlusion")
        return
    with st.expander("Sharpness and mask"):
        form.ask("pixel_boost_px", widget="select")
        form.ask("occlusion")
        form.ask("mask_blur")
        ask_padding(form)


def ask_padding(form: OptionForm) -> None:
    names = ("top", "right", "bottom", "left")
    columns = st.columns(2)
    form.set(
        "mask_padding",
        tuple(
            columns[place % 2].number_input(
                f"Padding {name} %",
                min_value=0,
                max_value=100,
                value=value,
                key=f"{form.key}.padding.{name}",
            )
            for place, (name, value) in enumerate(
                zip(names, form.values["mask_padding"], strict=True)
            )
        ),
    )


def ask_enhancer(page: ToolPage, form: OptionForm) -> bool:
    """A network that finishes each face; returns whether what was chosen is installed."""
    found = model_choices(page.services.settings, page.tool, "face-restoration")
    none = ModelChoice("", "None", None, True, "Faces stay as the swap leaves them.")
    with st.expander("Face restoration", expanded=bool(form.values["enhancer"])):
        chosen = pick_model(
            [none, *found],
            form.values["enhancer"] or "",
            key=f"{form.key}.enhancer",
            label="Restoration model",
        )
        form.set("enhancer", chosen.id or None)
        if chosen.id and chosen.is_installed:
            form.ask("enhancer_blend")
            form.ask("enhancer_fidelity")
    return chosen.is_installed


def ask_format(form: OptionForm) -> None:
    if form.ask("format") is not ImageFormat.PNG:
        form.ask("quality")


if __name__ == "__main__":
    main()
