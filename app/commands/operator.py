"""On whose behalf a command acts that needs somebody: whoever runs it holds all of the data."""

from __future__ import annotations

from app.people.accounts import AccountError, find_user
from db.actor import Actor
from db.repositories.accounts import AccountRepository
from db.types import Role
from studio.errors import StudioError
from studio.words import msg
from tasks.services import Services


class NoAdminError(StudioError):
    """The studio has no enabled admin to act for."""

    code = "operator.no_admin"


def operator(services: Services) -> Actor:
    """The enabled admin whose account is the oldest.

    Raises:
        NoAdminError: there is none.

    """
    with services.database.read() as session:
        people = AccountRepository(session).everybody()
    admins = [user for user in people if user.role is Role.ADMIN and user.disabled_at is None]
    if not admins:
        raise NoAdminError(msg("There is no enabled admin to act for. Enable one first."))
    admin = min(admins, key=lambda user: user.created_at)
    return Actor(admin.id, admin.name, admin.role)


def acting_as(services: Services, name: str) -> Actor:
    """Whoever is called ``name``; the operator where nobody is named.

    Raises:
        NoAdminError: nobody is named, and there is no admin.
        AccountError: ``account.unknown`` or ``account.disabled``.

    """
    if not name:
        return operator(services)
    user = find_user(services, name)
    if user.disabled_at is not None:
        raise AccountError(
            msg("The account “{name}” is disabled. Enable it first.", name=user.name),
            code="account.disabled",
        )
    return Actor(user.id, user.name, user.role)
