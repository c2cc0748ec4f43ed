"""Who becomes whom: face by face in a table for one picture, or by a rule for any number."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.faces.search import found_faces
from app.ui import states
from app.ui.faceswap.search import face_crop, largest_face, show_failed_search
from app.ui.held import show_tray
from app.ui.options import OptionForm, label_of
from app.ui.result import notes_of
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray
from app.ui.uploader import pick_files
from app.ui.words import _, _n, said
from db.models import Job
from db.states import JobState
from studio.errors import Region
from studio.params import FaceChoice, FaceswapParams
from studio.words import N_, paragraph
from tasks.files import StoredFile

FACE_BY_FACE = "face-by-face"  # a table instead of a rule
_RULES = {
    FaceChoice.LARGEST: N_(
        "The source with the largest face replaces the largest face of each picture."
    ),
    FaceChoice.LEFT_TO_RIGHT: N_("From left to right, each face gets the next source."),
    FaceChoice.ALL: N_("The first source replaces every face."),
    FaceChoice.LIKENESS: N_("The first source replaces the faces that look like the reference."),
}


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
    way = _ask_way(form, is_single=is_single)
    if way == FACE_BY_FACE:
        return _ask_table(page, form, targets.files[0], sources, searches)
    form.set("faces", None)
    form.set("choice", FaceChoice(way))
    st.caption(said(_RULES[FaceChoice(way)]))
    if way == FaceChoice.LIKENESS:
        _ask_likeness(page, form, reference)
    return True


def is_by_likeness(form: OptionForm) -> bool:
    """Whether faces are compared with a reference."""
    return form.values["faces"] is None and form.values["choice"] is FaceChoice.LIKENESS


def _ask_way(form: OptionForm, *, is_single: bool) -> str:
    ways = [FACE_BY_FACE, *FaceChoice] if is_single else list(FaceChoice)
    chosen = str(form.values["choice"])
    is_fresh = form.values == FaceswapParams().model_dump()
    if is_single and (is_fresh or form.values["faces"] is not None):
        chosen = FACE_BY_FACE
    return str(
        st.segmented_control(
            _("Which faces"),
            [str(way) for way in ways],
            default=chosen,
            required=True,
            format_func=lambda way: (
                _("Face by face") if way == FACE_BY_FACE else label_of(FaceChoice(way))
            ),
            key=f"{form.key}.way.{is_single}",
            label_visibility="collapsed",
        )
    )


def _ask_table(
    page: ToolPage,
    form: OptionForm,
    target: StoredFile,
    sources: Tray,
    searches: dict[str, Job],
) -> bool:
    """Each found face with a select box of the sources."""
    search = searches.get(target.sha256)
    if search is None:
        st.caption(_("The faces of the picture are being looked for."))
        return False
    if search.state is not JobState.SUCCEEDED:
        show_failed_search(page, search, target)
        return False
    faces = found_faces(search)
    if not faces:
        states.empty(
            _("No face to replace"),
            said(paragraph(notes_of(search))),
            icon="face",
        )
        return False
    chosen = _ask_each(form, search, faces, sources.files)
    form.set("faces", tuple(None if one is None else one + 1 for one in chosen))
    if all(one is None for one in chosen):
        st.warning(_("Every face is left alone. Choose a source for at least one."))
        return False
    return True


def _ask_each(
    form: OptionForm, search: Job, faces: Sequence[Region], sources: Sequence[StoredFile]
) -> list[int | None]:
    """The choices stay with their pictures when sources come and go."""
    st.caption(_n("{n} face found.", "{n} faces found, from left to right.", len(faces)))
    digests = [file.sha256 for file in sources]
    memory = f"{form.key}.chosen.{search.id.hex}"
    starts = _starts(st.session_state.get(memory), form.values["faces"] or (), faces, digests)
    chosen: list[int | None] = []
    with st.grid(min_column_width=140, gap="small", key="faces") as grid:
        for number, face in enumerate(faces):
            with grid.cell(), st.container(key=f"face-{number}", gap="xsmall"):
                st.html(face_crop(search, face, _("Face {number:d}", number=number + 1)))
                chosen.append(_ask_one(form, search, number, digests, starts[number]))
    st.session_state[memory] = [None if one is None else digests[one] for one in chosen]
    return chosen


def _starts(
    before: Sequence[str | None] | None,
    given: Sequence[int | None],
    faces: Sequence[Region],
    digests: Sequence[str],
) -> Sequence[int | None]:
    """The source of each face to begin with.

    As chosen ``before``, by digest, as long as one of those sources is there; else as ``given``
    by the run that was opened; else the first source for the largest face.
    """
    kept = [digests.index(one) if one in digests else None for one in before or ()]
    if any(one is not None for one in kept):
        return kept
    if before is None and len(given) == len(faces):
        return [None if source is None else source - 1 for source in given]
    largest = largest_face(faces)
    return [0 if number == largest else None for number in range(len(faces))]


def _ask_one(
    form: OptionForm, search: Job, number: int, digests: Sequence[str], start: int | None
) -> int | None:
    sources = [_("Source {number:d}", number=source + 1) for source in range(len(digests))]
    options = [_("Leave alone"), *sources]
    picked = st.selectbox(
        _("Face {number:d}", number=number + 1),
        range(len(options)),
        index=0 if start is None or start >= len(digests) else start + 1,
        format_func=options.__getitem__,
        # Other sources make another box: under the same numbers stand other pictures.
        key=f"{form.key}.face.{search.id.hex}.{number}.{'.'.join(one[:8] for one in digests)}",
    )
    return picked - 1 if picked else None


def _ask_likeness(page: ToolPage, form: OptionForm, reference: Tray) -> None:
    """The reference and how alike."""
    form.ask("likeness")
    pick_files(
        page.services,
        reference,
        key="faceswap.reference",
        limit=1,
        label=_("Reference picture"),
        invitation=_("Drop a picture of the person to replace"),
    )
    show_tray(reference, key="faceswap.reference")
