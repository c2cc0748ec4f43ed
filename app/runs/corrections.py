"""What people gave a run in place of what its tool makes, as a mask that was touched up."""

from __future__ import annotations

from app.runs.reading import find_input
from db.actor import Actor
from db.models import Job, JobInput
from db.repositories.past_runs import PastRunRepository
from studio.tools.registry import TOOLS
from tasks.services import Services


def given_in_place(services: Services, actor: Actor, job: Job) -> JobInput | None:
    """The input that somebody gave ``job`` in the role that its tool takes over from earlier runs.

    None where it had none, or one that a run has made for others to take over.
    """
    spec = TOOLS.get(job.tool)
    given = find_input(job, spec.reuse.role) if spec and spec.reuse else None
    if given is None:
        return None
    with services.database.read() as session:
        is_made = PastRunRepository(session).is_to_take_over(actor, given.role, given.blob_sha256)
    return None if is_made else given
