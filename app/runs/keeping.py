"""What a person may change on a run: its star, note and tags, whom it is shown to, the trash."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from db.actor import Actor
from db.repositories.keeping import KeepingRepository
from db.types import Visibility
from studio.errors import UserInputError
from studio.words import msg
from tasks.authority import Needs, authorise
from tasks.services import Services

Change = Callable[[KeepingRepository, Actor], bool]


def change_run(services: Services, actor: Actor, change: Change) -> bool:
    """Make ``change`` on behalf of the person as the record knows them now.

    Returns what it returns: False when the run is gone or not theirs to change.

    Raises:
        NotAllowedError: the actor may not run, or not any more.

    """
    with services.database.write() as session:
        return change(KeepingRepository(session), authorise(session, actor, Needs.RUNNING))


def show_to(services: Services, actor: Actor, job_id: UUID, visibility: Visibility) -> None:
    """Show a run to the team, or to its owner and admins alone.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: ``job.not_found``, also for one that is not theirs to change.

    """
    if not change_run(
        services, actor, lambda jobs, me: jobs.set_visibility(me, job_id, visibility)
    ):
        raise UserInputError(
            msg("There is no such run, or it is not yours to change"),
            remedy=msg("Look for it in the history."),
            code="job.not_found",
        )
