"""The search for faces: started as pictures come in, watched, and repeated when it failed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.faces import find_search, found_faces, start_search
from app.runs import main_input
from app.saved_faces import saved_faces
from app.ui import states
from app.ui.progress import watch
from app.ui.regions import crop, show_regions
from app.ui.toolpage import ToolPage
from app.ui.uploader import Tray
from db.models import Job
from studio.errors import Region
from tasks.files import StoredFile


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
    """Why the faces of ``file`` are not known, and a way to search again."""
    states.failure(job.error_code, job.error_message or "The search for faces was stopped.")
    if job.error_regions:
        show_regions(job)
    if st.button("Look again", icon=":material/refresh:", key=f"search-{file.sha256[:12]}"):
        start_search(page.services, page.actor, file)
        st.rerun()


def face_picture(search: Job | None, thumbnail: str, alt: str) -> str:
    """Markup of the largest face that ``search`` found, else of the whole picture, small."""
    faces = found_faces(search) if search else ()
    if search and faces:
        return crop(main_input(search), faces[largest_face(faces)], alt)
    return f'<div class="dr-crop"><img class="dr-whole" src="{thumbnail}" alt=""></div>'


def largest_face(faces: Sequence[Region]) -> int:
    """Which of one picture's ``faces``, at least one, covers most of it."""
    return max(range(len(faces)), key=lambda number: faces[number].width * faces[number].height)
