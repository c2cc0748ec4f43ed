"""The search for faces that goes before a swap or a mask: asked for once a picture, re-used."""

from __future__ import annotations

from collections.abc import Sequence

from db.actor import Actor
from db.models import Job
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Visibility
from studio.errors import Region
from studio.params import FacesParams
from studio.record import RunRecord
from studio.tools.spec import get_tool
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import submit

SEARCH = "faces"


def find_search(services: Services, actor: Actor, file: StoredFile) -> Job | None:
    """The newest search of this picture that the actor may see, if it still holds.

    One of an older version of the search does not, nor one that was cancelled.
    """
    with services.database.read() as session:
        job = JobRepository(session).find_run(actor, SEARCH, file.sha256)
    if job is None or job.state is JobState.CANCELLED:
        return None
    if job.record and job.record["tool_version"] != get_tool(SEARCH).version:
        return None
    return job


def start_search(services: Services, actor: Actor, file: StoredFile) -> None:
    """Look for the faces of a picture, on the actor's own behalf: nobody else is shown it.

    Raises:
        UserInputError: as ``submit`` does.

    """
    submit(services, actor, SEARCH, FacesParams(), [{"image": file}], visibility=Visibility.PRIVATE)


def found_faces(job: Job) -> Sequence[Region]:
    """What a finished search found, left to right; the index is the face's number."""
    return RunRecord.model_validate(job.record).regions if job.record else ()
