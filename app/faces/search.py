"""The search for faces that goes before a swap or a mask: asked for once a picture, re-used."""

from __future__ import annotations

from collections.abc import Sequence

from app.runs.preparing import find_prepared, prepare
from db.actor import Actor
from db.models import Job
from studio.errors import Region
from studio.params import FacesParams
from studio.record import RunRecord
from studio.tools.faces.spec import SPEC as FACES
from tasks.files import StoredFile
from tasks.services import Services

SEARCH = FACES.name
"""The tool that looks for faces."""


def find_search(services: Services, actor: Actor, file: StoredFile) -> Job | None:
    """The newest search of this picture that the actor may see, if it still holds."""
    return next(iter(find_prepared(services, actor, FACES, file)), None)


def start_search(services: Services, actor: Actor, file: StoredFile) -> None:
    """Look for the faces of a picture, on the actor's own behalf.

    Raises:
        UserInputError: as ``submit`` does.

    """
    prepare(services, actor, FacesParams(), file)


def found_faces(job: Job) -> Sequence[Region]:
    """What a finished search found, left to right; the index is the face's number."""
    return RunRecord.model_validate(job.record).regions if job.record else ()
