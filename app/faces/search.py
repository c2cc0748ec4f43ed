"""The search for faces that goes before a swap or a mask: asked for once a picture, re-used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.runs.preparing import find_prepared, prepare
from db.actor import Actor
from db.models import Job
from db.states import JobState
from studio.errors import Region
from studio.params import FacesParams
from studio.record import RunRecord
from studio.tools.faces.spec import SPEC as FACES
from tasks.files import StoredFile
from tasks.services import Services

SEARCH = FACES.name
"""The tool that looks for faces."""


def find_searches(
    services: Services, actor: Actor, files: Sequence[StoredFile]
) -> Mapping[str, Job]:
    """The newest search of each picture that the actor may see, if it still holds, by SHA-256."""
    found = find_prepared(services, actor, FACES, files)
    return {sha256: searches[0] for sha256, searches in found.items()}


def start_search(services: Services, actor: Actor, file: StoredFile) -> None:
    """Look for the faces of a picture, on the actor's own behalf.

    Raises:
        UserInputError: as ``submit`` does.

    """
    prepare(services, actor, FacesParams(), file)


def found_faces(job: Job) -> Sequence[Region]:
    """What a finished search found, left to right; the index is the face's number."""
    return RunRecord.model_validate(job.record).regions if job.record else ()


def shows_no_face(job: Job) -> bool:
    """Whether the search came to its end and found none."""
    return job.state is JobState.SUCCEEDED and not found_faces(job)
