"""Who may do what, read where it is done.

A request, a page or an open dialog knows its person from a while ago. Since then the account
may have been disabled, another admin may have given it another role, and the session or token
that they came in with may have ended. So whoever changes something asks here, in the transaction
that changes it.
"""

from __future__ import annotations

from enum import Enum, unique

from sqlalchemy.orm import Session

from db.actor import Actor
from db.repositories.accounts import AccountRepository
from db.types import Role
from studio.errors import StudioError
from studio.words import msg
from tasks.services import Services


@unique
class Needs(Enum):
    """What a deed asks of the person who does it: the least role, and whether it waits.

    Deeds of one person that wait do so for each other: those that change their own account, and
    those that count what they have. Those of all admins wait for each other anyway, as each holds
    the accounts of all.
    """

    ENTRY = Role.VIEWER, False
    ACCOUNT = Role.VIEWER, True
    RUNNING = Role.MEMBER, False
    COUNTING = Role.MEMBER, True
    ADMIN = Role.ADMIN, False

    def __init__(self, role: Role, waits: bool) -> None:
        self.role = role
        self.waits = waits


class NotAllowedError(StudioError):
    """The person may not do this, or not any more."""

    code = "permission"


_REFUSALS = {
    Role.MEMBER: (
        "permission.may_not_run",
        msg(
            "Viewers can look at runs but not start or change any. Ask an admin to make you a "
            "member."
        ),
    ),
    Role.ADMIN: ("permission.not_admin", msg("Only admins can do this.")),
}


def authorise(session: Session, actor: Actor, needs: Needs) -> Actor:
    """The person as the record knows them now, who stays so until the transaction ends.

    Their role is the lesser of the record's and of ``actor``'s, which a token may have narrowed.
    Ask before anything else is read or written: rows of accounts are locked in one order, so
    two admins who change one another wait instead of blocking each other.

    Raises:
        NotAllowedError: ``permission.no_account``, ``permission.signed_out``,
            ``permission.may_not_run`` or ``permission.not_admin``.

    """
    accounts = AccountRepository(session)
    user = accounts.hold(actor.id, with_admins=needs is Needs.ADMIN, is_changed=needs.waits)
    if user is None or user.disabled_at is not None:
        raise NotAllowedError(
            msg("Your account is closed. Ask an admin to open it again."),
            code="permission.no_account",
        )
    if not accounts.hold_key(actor):
        raise NotAllowedError(
            msg("You were signed out meanwhile. Sign in and do it again."),
            code="permission.signed_out",
        )
    return require(actor.limited_to(user.role), needs)


def require(actor: Actor, needs: Needs) -> Actor:
    """``actor``, when the role they came with is enough; for work that goes before the deed.

    Raises:
        NotAllowedError: ``permission.may_not_run`` or ``permission.not_admin``.

    """
    if actor.role.rank < needs.role.rank:
        code, message = _REFUSALS[needs.role]
        raise NotAllowedError(message, code=code)
    return actor


def require_now(services: Services, actor: Actor, needs: Needs) -> Actor:
    """As :func:`authorise`, for long work before its deed; the deed asks once more."""
    with services.database.read() as session:
        return authorise(session, actor, needs)
