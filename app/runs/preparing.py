"""Runs on a picture that help with others, such as a search for faces: found again, or started."""

from __future__ import annotations

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
    services: Services, actor: Actor, spec: ToolSpec, picture: StoredFile
) -> list[Job]:
    """The newest runs of the tool on this picture that the actor may see and that still hold.

    One that was cancelled does not. Of a tool that only prepares others the newest alone counts,
    as nobody chose how it ran; it counts where it was cancelled, too, so that it is not begun
    again unasked, but not where it is of an older version of the tool.
    """
    with services.database.read() as session:
        runs = PastRunRepository(session).find_runs(actor, spec.name, picture.sha256, limit=_RECENT)
    if not spec.is_auxiliary:
        return [job for job in runs if job.state is not JobState.CANCELLED]
    return [job for job in runs[:1] if not job.record or job.record["tool_version"] == spec.version]


def prepare(services: Services, actor: Actor, params: ToolParams, picture: StoredFile) -> None:
    """Run a tool on a picture on the actor's own behalf: nobody else is shown it.

    Raises:
        UserInputError: as ``submit`` does.

    """
    item = RunItem({get_tool(params.tool).main_role: [picture]})
    submit(services, actor, RunRequest(params, [item], visibility=Visibility.PRIVATE))
