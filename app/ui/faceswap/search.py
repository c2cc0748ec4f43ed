"""The search for faces: started as pictures come in, watched, and repeated when it failed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.faces.library import saved_faces
from app.faces.search import find_searches, found_faces, start_search
from app.runs.reading import main_input
from app.ui import states
from app.ui.asked import once
from app.ui.progress import watch
from app.ui.regions import crop, show_regions
from app.ui.toolpage import ToolPage
from app.ui.trays import Tray
from app.ui.words import _
from db.actor import Actor
from db.models import Job
from studio.errors import Region
from studio.words import Message, msg
from tasks.files import StoredFile
from tasks.services import Services


def search_faces(page: ToolPage, targets: Tray, sources: Tray) -> dict[str, Job]:
    """The finished searches by picture, of one target and of all sources; starts new ones.

    A face from the library is not searched: it would become part of a run that admins see.
    """
    private = {face.blob_sha256 for face in saved_faces(page.services, page.actor)}
    files = [*targets.files, *sources.files] if len(targets.files) == 1 else sources.files
    known = find_searches(page.services, page.actor, files)
    for file in files:
        if file.sha256 not in known and (file in targets.files or file.sha256 not in private):
            start_search(page.services, page.actor, file)

    def read(actor: Actor) -> list[Job]:
        return list(find_searches(page.services, actor, files).values())

    if files:
        watch(page.services, page.actor, read, key="faces")
    return {
        picture.blob_sha256: job
        for job in read(page.actor)
        if job.state.is_terminal and (picture := main_input(job))
    }


def reason_of(job: Job) -> Message:
    """Why the search did not come to an end."""
    return job.error_message or msg("The search for faces was stopped.")


def show_failed_search(page: ToolPage, job: Job, file: StoredFile) -> None:
    """Why the faces of ``file`` are not known, and a way to search again."""
    states.failure(job.id, job.error_code, reason_of(job))
    if job.error_regions:
        show_regions(job)
    offer_search_again(page, file)


def offer_search_again(page: ToolPage, file: StoredFile) -> None:
    """A way to have the faces of ``file`` looked for once more."""
    key = f"search-{file.sha256[:12]}"
    st.button(
        _("Look again"),
        icon=":material/refresh:",
        key=key,
        on_click=once(key, _search_again),
        args=(page.services, file),
    )


def _search_again(actor: Actor, services: Services, file: StoredFile) -> None:
    start_search(services, actor, file)


def face_picture(search: Job | None, thumbnail: str, alt: str) -> str:
    """Markup of the largest face that ``search`` found, else of the whole picture, small."""
    faces = found_faces(search) if search else ()
    if search and faces:
        return face_crop(search, faces[largest_face(faces)], alt)
    return f'<div class="dr-crop"><img class="dr-whole" src="{thumbnail}" alt=""></div>'


def face_crop(search: Job, face: Region, alt: str) -> str:
    """Markup of one of the faces that ``search`` found."""
    picture = main_input(search)
    return crop(picture, face, alt) if picture else ""


def largest_face(faces: Sequence[Region]) -> int:
    """Which of one picture's ``faces``, at least one, covers most of it."""
    return max(range(len(faces)), key=lambda number: faces[number].width * faces[number].height)
