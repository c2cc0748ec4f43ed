"""The database as commands need it: reachable and of this version, or a sentence that helps."""

from __future__ import annotations

from app.commands.diagnosis import State, check_database
from studio.errors import StudioError
from studio.words import msg
from tasks.services import Services, get_services


class DatabaseNotReadyError(StudioError):
    """The database cannot be used as it is; the message names the remedy."""

    code = "database"


def ready_services() -> Services:
    """This process's services, once the database has the schema of this version.

    Raises:
        DatabaseNotReadyError: it is out of reach or not migrated.

    """
    services = get_services()
    finding = check_database(services)
    if finding.state is State.FAULT:
        raise DatabaseNotReadyError(
            msg("The database {detail}. {remedy}", detail=finding.detail, remedy=finding.remedy)
        )
    return services
