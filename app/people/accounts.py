"""Accounts: whose they are, with which password and role, and who may change that.

``by`` is the admin who asks; none means the operator at the command line. Every change leaves
an entry in the audit, in the same transaction as the deed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.people.passwords import (
    PasswordRefusedError,
    check_password,
    hash_password,
    one_time_password,
)
from app.people.sessions import SignedIn, Visitor
from app.people.signing_in import is_right
from db.actor import Actor
from db.errors import RecordError
from db.models import User
from db.repositories.accounts import AccountRepository, normalise_name
from db.repositories.audit import AuditRepository
from db.types import Role
from studio.errors import StudioError, UserInputError
from studio.words import msg
from studio.words.language import locales
from tasks.authority import Needs, authorise
from tasks.services import Services

MAX_NAME_CHARS = 64
_NAME_PUNCTUATION = "._-@"
_COMMAND_LINE = Visitor()


class AccountError(StudioError):
    """An account cannot be made or changed as asked."""

    code = "account"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that was just made, and the password that works until the first sign-in."""

    id: UUID
    name: str
    one_time_password: str


def change_password(
    services: Services, signed_in: SignedIn, current: str, new: str, visitor: Visitor
) -> None:
    """Replace one's own password; ends all tokens and signs out everywhere else.

    Raises:
        PasswordRefusedError: ``password.wrong`` for the current one, ``password.same``, or
            ``password.refused`` with the rule that the new one breaks.
        TooManyAttemptsError: the current one was wrong too often of late.

    """
    actor = signed_in.actor
    with services.database.read() as unit:
        user = AccountRepository(unit).get(actor.id)
    known_hash = user.password_hash if user else None
    source = f"session:{signed_in.session_id.hex}"
    if not is_right(services, actor.name, source, known_hash, current, visitor):
        raise _wrong_password()
    if new == current:
        raise PasswordRefusedError(
            msg("The new password is the old one"),
            remedy=msg("Choose another."),
            code="password.same",
        )
    check_password(new, user_name=actor.name)
    new_hash = hash_password(new)
    with _unit(services) as unit:
        authorise(unit, actor, Needs.ACCOUNT)
        accounts = AccountRepository(unit)
        user = _find(accounts, actor.id)
        if user.password_hash != known_hash:
            raise _wrong_password()
        accounts.set_password(user, new_hash, keep_session_id=signed_in.session_id)
        AuditRepository(unit).record(actor.id, "password.change", actor.name, ip=visitor.ip)


def choose_language(services: Services, actor: Actor, locale: str | None, visitor: Visitor) -> None:
    """Speak to a person in this language from now on; none: as their browser says.

    Raises:
        NotAllowedError: the account is closed.
        AccountError: ``account.language_unknown``.

    """
    if locale not in (None, *locales()):
        raise AccountError(
            msg("The studio does not speak “{language}”.", language=str(locale)),
            code="account.language_unknown",
        )
    with _unit(services) as unit:
        authorise(unit, actor, Needs.ACCOUNT)
        _find(AccountRepository(unit), actor.id).locale = locale
        AuditRepository(unit).record(
            actor.id,
            "user.choose_language",
            actor.name,
            detail={"language": locale},
            ip=visitor.ip,
        )


# Managing people


def everybody(services: Services) -> Sequence[User]:
    """All accounts by name, disabled ones too."""
    with services.database.read() as unit:
        return AccountRepository(unit).everybody()


def find_user(services: Services, name: str) -> User:
    """The account called ``name``, disabled or not.

    Raises:
        AccountError: ``account.unknown``.

    """
    with services.database.read() as unit:
        user = AccountRepository(unit).by_name(name)
    if user is None:
        raise AccountError(
            msg("There is no account called “{name}”.", name=name), code="account.unknown"
        )
    return user


def create_user(
    services: Services,
    name: str,
    role: Role,
    *,
    by: Actor | None = None,
    visitor: Visitor = _COMMAND_LINE,
    password: str | None = None,
) -> NewAccount:
    """A new account with a one-time password, generated unless given.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        UserInputError: ``account.name_invalid``.
        AccountError: ``account.name_taken``.

    """
    name = check_name(name)
    password = password or one_time_password()
    password_hash = hash_password(password)
    with _as_admin(services, by) as unit:
        user = AccountRepository(unit).create(name, role, password_hash, must_change_password=True)
        _record(unit, by, visitor, "user.create", user, role=role.value)
    return NewAccount(user.id, user.name, password)


def reset_password(
    services: Services, user_id: UUID, *, by: Actor | None = None, visitor: Visitor = _COMMAND_LINE
) -> str:
    """Give a new one-time password and end the person's sessions. Returns the password.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        AccountError: ``account.unknown``.

    """
    password = one_time_password()
    password_hash = hash_password(password)

    def replace(accounts: AccountRepository, user: User) -> None:
        accounts.set_password(user, password_hash, must_change=True)

    _change(services, user_id, "password.reset", replace, by, visitor)
    return password


def set_role(
    services: Services,
    user_id: UUID,
    role: Role,
    *,
    by: Actor | None = None,
    visitor: Visitor = _COMMAND_LINE,
) -> None:
    """Give a person another role.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        AccountError: ``account.unknown`` or ``account.last_admin``.

    """

    def give(accounts: AccountRepository, user: User) -> dict[str, str]:
        before = user.role
        accounts.set_role(user, role)
        return {"before": before.value, "after": role.value}

    _change(services, user_id, "user.set_role", give, by, visitor)


def disable(
    services: Services, user_id: UUID, *, by: Actor | None = None, visitor: Visitor = _COMMAND_LINE
) -> None:
    """Shut an account; ends its sessions and tokens for good. Its runs stay.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        AccountError: ``account.unknown`` or ``account.last_admin``.

    """
    _change(services, user_id, "user.disable", AccountRepository.disable, by, visitor)


def enable(
    services: Services, user_id: UUID, *, by: Actor | None = None, visitor: Visitor = _COMMAND_LINE
) -> None:
    """Open a disabled account again, with the password it had.

    Raises:
        NotAllowedError: ``by`` is no admin, or no longer.
        AccountError: ``account.unknown``.

    """
    _change(services, user_id, "user.enable", AccountRepository.enable, by, visitor)


def ensure_first_admin(services: Services) -> str | None:
    """Make the first admin when there is nobody yet.

    Returns the one-time password to print, or none when there are accounts already.
    """
    if everybody(services):
        return None
    settings = services.settings
    given = settings.admin_password.get_secret_value() if settings.admin_password else None
    return create_user(services, settings.admin_name, Role.ADMIN, password=given).one_time_password


def check_name(name: str) -> str:
    """The name in the form it is stored in: letters, digits and ``._-@``, lower case.

    Raises:
        UserInputError: ``account.name_invalid``.

    """
    clean = normalise_name(name)
    is_valid = all(char.isalnum() or char in _NAME_PUNCTUATION for char in clean)
    if not clean or len(clean) > MAX_NAME_CHARS or not is_valid:
        raise UserInputError(
            msg("That is not a name the studio can use"),
            remedy=msg(
                "Use 1 to {most} letters, digits and {marks}",
                most=MAX_NAME_CHARS,
                marks=_NAME_PUNCTUATION,
            ),
            code="account.name_invalid",
        )
    return clean


def _wrong_password() -> PasswordRefusedError:
    return PasswordRefusedError(
        msg("The current password is not right"),
        remedy=msg("Type it again."),
        code="password.wrong",
    )


def _change(
    services: Services,
    user_id: UUID,
    action: str,
    change: Callable[[AccountRepository, User], Mapping[str, str] | None],
    by: Actor | None,
    visitor: Visitor,
) -> None:
    """Do to an account what ``change`` does; what it returns goes into the audit.

    Every door comes through here, for whatever an admin changes.
    """
    with _as_admin(services, by) as unit:
        accounts = AccountRepository(unit)
        user = _find(accounts, user_id)
        detail = change(accounts, user) or {}
        _record(unit, by, visitor, action, user, **detail)


@contextmanager
def _as_admin(services: Services, by: Actor | None) -> Iterator[Session]:
    """A unit of work for ``by``, an admin, or for the operator; refusals are for people."""
    with _unit(services) as session:
        if by is not None:
            authorise(session, by, Needs.ADMIN)
        yield session


@contextmanager
def _unit(services: Services) -> Iterator[Session]:
    """A unit of work whose refusals are errors for people."""
    try:
        with services.database.write() as session:
            yield session
    except RecordError as error:
        raise AccountError(error.message, code=error.code) from error


def _find(accounts: AccountRepository, user_id: UUID) -> User:
    user = accounts.get(user_id)
    if user is None:
        raise AccountError(msg("This account is gone."), code="account.unknown")
    return user


def _record(
    unit: Session, by: Actor | None, visitor: Visitor, action: str, user: User, **detail: str
) -> None:
    AuditRepository(unit).record(
        by.id if by else None, action, user.name, detail=dict(detail), ip=visitor.ip
    )
