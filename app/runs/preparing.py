"""Runs on a picture that help with others, such as a search for faces: found again, or started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from db.actor import Actor
from db.models import Job
from db.repositories.past_runs import PastRunRepository
from db.states import JobState
from db.types import Visibility
from studio.params import ToolParams
from studio.tools.registry import get_tool
from studio.tools.spec import ToolSpec
from tasks.files import StoredFile
from tasks.requests import RunItem, RunRequest
from tasks.services import Services
from tasks.submit import submit

_RECENT = 20


def find_prepared(
    services: Services, actor: Actor, spec: ToolSpec, pictures: Sequence[StoredFile]
) -> Mapping[str, Sequence[Job]]:
    """The newest runs of the tool on each picture that the actor may see and that still hold.

    By the picture's SHA-256, all in one look. One that was cancelled does not hold. Of a tool that
    only prepares others the newest alone counts, as nobody chose how it ran; it counts where it
    was cancelled, too, so that it is not begun again unasked, but not where it is of an older
    version of the tool.
    """
    digests = {picture.sha256 for picture in pictures}
    most = 1 if spec.is_auxiliary else _RECENT
    with services.database.read() as session:
        found = PastRunRepository(session).find_runs(actor, spec.name, digests, limit=most)
    return {
        digest: holding
        for digest, runs in found.items()
        if (holding := [job for job in runs if _holds(job, spec)])
    }


def _holds(job: Job, spec: ToolSpec) -> bool:
    if not spec.is_auxiliary:
        return job.state is not JobState.CANCELLED
    return not job.record or bool(job.record["tool_version"] == spec.version)


def prepare(services: Services, actor: Actor, params: ToolParams, picture: StoredFile) -> None:
    """Run a tool on a picture on the actor's own behalf: nobody else is shown it.

    Raises:
        UserInputError: as ``submit`` does.

    """
    item = RunItem({get_tool(params.tool).main_role: [picture]})
    submit(services, actor, RunRequest(params, [item], visibility=Visibility.PRIVATE))
