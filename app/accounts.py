"""Accounts: who may enter, with which password, and who may change that.

``by`` is the admin who asks; none means the operator at the command line. Every change and
every attempt to sign in leaves an entry in the audit, in the same transaction as the deed.
"""

from __future__ import annotations

import math
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from app.passwords import (
    PasswordRefusedError,
    check_password,
    hash_password,
    needs_rehash,
    one_time_password,
    verify_password,
)
from app.sessions import SignedIn, Visitor
from db.actor import Actor
from db.errors import RecordError
from db.models import User
from db.repositories.accounts import AccountRepository, normalise_name
from db.repositories.audit import AuditRepository
from db.types import Role, utc_now
from studio.errors import RetriableError, StudioError, UserInputError
from tasks.services import Services

MAX_NAME_CHARS = 64
_NAME_PUNCTUATION = "._-@"
_ATTEMPTS_PER_ADDRESS = 4
"""A team behind one address may mistype this many times as often as one person."""

_COMMAND_LINE = Visitor()
_counting_attempts = threading.Lock()


class AccountError(StudioError):
    """An account cannot be made or changed as asked."""

    code = "account"


class ForbiddenError(AccountError):
    """The person's role does not allow it."""

    code = "permission.not_admin"

    def __init__(self, message: str = "Only admins can manage accounts.") -> None:
        super().__init__(message)


class SignInRefusedError(AccountError):
    """Name and password do not belong together; which of them is wrong is not said."""

    code = "account.sign_in_refused"

    def __init__(self) -> None:
        super().__init__("That name and password don’t match an account. Check both and try again.")


class TooManyAttemptsError(RetriableError):
    """Too many failed sign-ins under this name or from this address."""

    code = "account.too_many_attempts"

    def __init__(self, delay_s: float) -> None:
        super().__init__(
            f"Too many failed attempts. Wait {_in_words(delay_s)}, then try again.", delay_s=delay_s
        )


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that was just made, and the password that works until the first sign-in."""

    id: UUID
    name: str
    one_time_password: str


# Entering


def authenticate(services: Services, name: str, password: str, visitor: Visitor) -> UUID:
    """The id of the enabled account that name and password belong to.

    An unknown name and a disabled account take as long as a wrong password.

    Raises:
        SignInRefusedError: they belong to none.
        TooManyAttemptsError: failed too often of late; the password was not looked at.

    """
    name = _as_typed(name)
    with services.database.read() as unit:
        user = AccountRepository(unit).by_name(name)
    is_open = user is not None and user.disabled_at is None
    known_hash = user.password_hash if user and is_open else None
    if not _is_right(services, name, known_hash, password, visitor) or user is None:
        with services.database.write() as unit:
            AuditRepository(unit).record(
                user.id if user else None, "session.refuse", name, ip=visitor.ip
            )
        raise SignInRefusedError
    if needs_rehash(user.password_hash):
        new_hash = hash_password(password)
        with services.database.write() as unit:
            _find(AccountRepository(unit), user.id).password_hash = new_hash
    return user.id


def _is_right(
    services: Services, name: str, password_hash: str | None, password: str, visitor: Visitor
) -> bool:
    """Look at a password, unless too many were wrong of late.

    The attempt counts before its outcome is known, so that guesses made side by side see one
    another; one that was right is taken back.
    """
    with _counting_attempts:
        _admit(services, name, visitor)
    if not verify_password(password_hash, password):
        return False
    with services.database.write() as unit:
        AccountRepository(unit).clear_failures(name, visitor.ip)
    return True


def _admit(services: Services, name: str, visitor: Visitor) -> None:
    settings = services.settings
    now = utc_now()
    since = now - timedelta(seconds=settings.sign_in_window_s)
    with services.database.write() as unit:
        accounts = AccountRepository(unit)
        accounts.forget_failures(since)
        oldest = None
        if accounts.failures_of_name(name, since) >= settings.sign_in_attempts:
            oldest = accounts.oldest_failure(since, name=name)
        elif (
            accounts.failures_of_ip(visitor.ip, since)
            >= settings.sign_in_attempts * _ATTEMPTS_PER_ADDRESS
        ):
            oldest = accounts.oldest_failure(since, ip=visitor.ip)
        if oldest is None:
            accounts.record_failure(name, visitor.ip)
    if oldest is not None:
        raise TooManyAttemptsError((oldest - since).total_seconds())


def change_password(
    services: Services, signed_in: SignedIn, current: str, new: str, visitor: Visitor
) -> None:
    """Replace one's own password and sign out everywhere else.

    Raises:
        PasswordRefusedError: ``password.wrong`` for the current one, ``password.same``, or
            ``password.refused`` with the rule that the new one breaks.
        TooManyAttemptsError: the current one was wrong too often of late.

    """
    actor = signed_in.actor
    with services.database.read() as unit:
        user = AccountRepository(unit).get(actor.id)
    known_hash = user.password_hash if user else None
    if not _is_right(services, actor.name, known_hash, current, visitor):
        raise PasswordRefusedError(
            "The current password is not right", remedy="Type it again.", code="password.wrong"
        )
    if new == current:
        raise PasswordRefusedError(
            "The new password is the old one", remedy="Choose another.", code="password.same"
        )
    check_password(new, user_name=actor.name)
    new_hash = hash_password(new)
    with _unit(services) as unit:
        accounts = AccountRepository(unit)
        accounts.set_password(
            _find(accounts, actor.id), new_hash, keep_session_id=signed_in.session_id
        )
        AuditRepository(unit).record(actor.id, "password.change", actor.name, ip=visitor.ip)


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
        user = AccountRepository(unit).by_name(_as_typed(name))
    if user is None:
        raise AccountError(f"There is no account called “{name}”.", code="account.unknown")
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
        ForbiddenError: ``by`` is no admin.
        UserInputError: ``account.name_invalid``.
        AccountError: ``account.name_taken``.

    """
    _require_admin(by)
    name = check_name(name)
    password = password or one_time_password()
    password_hash = hash_password(password)
    with _unit(services) as unit:
        user = AccountRepository(unit).create(name, role, password_hash, must_change_password=True)
        _record(unit, by, visitor, "user.create", user, role=role.value)
    return NewAccount(user.id, user.name, password)


def reset_password(
    services: Services, user_id: UUID, *, by: Actor | None = None, visitor: Visitor = _COMMAND_LINE
) -> str:
    """Give a new one-time password and end the person's sessions. Returns the password.

    Raises:
        ForbiddenError: ``by`` is no admin.
        AccountError: ``account.unknown``.

    """
    _require_admin(by)
    password = one_time_password()
    password_hash = hash_password(password)
    with _unit(services) as unit:
        accounts = AccountRepository(unit)
        user = _find(accounts, user_id)
        accounts.set_password(user, password_hash, must_change=True)
        _record(unit, by, visitor, "password.reset", user)
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
        ForbiddenError: ``by`` is no admin.
        AccountError: ``account.unknown`` or ``account.last_admin``.

    """
    _require_admin(by)
    with _unit(services) as unit:
        accounts = AccountRepository(unit)
        user = _find(accounts, user_id)
        before = user.role
        accounts.set_role(user, role)
        _record(unit, by, visitor, "user.set_role", user, before=before.value, after=role.value)


def disable(
    services: Services, user_id: UUID, *, by: Actor | None = None, visitor: Visitor = _COMMAND_LINE
) -> None:
    """Shut an account and end its sessions; its runs stay.

    Raises:
        ForbiddenError: ``by`` is no admin.
        AccountError: ``account.unknown`` or ``account.last_admin``.

    """
    _require_admin(by)
    with _unit(services) as unit:
        accounts = AccountRepository(unit)
        user = _find(accounts, user_id)
        accounts.disable(user)
        _record(unit, by, visitor, "user.disable", user)


def enable(
    services: Services, user_id: UUID, *, by: Actor | None = None, visitor: Visitor = _COMMAND_LINE
) -> None:
    """Open a disabled account again, with the password it had.

    Raises:
        ForbiddenError: ``by`` is no admin.
        AccountError: ``account.unknown``.

    """
    _require_admin(by)
    with _unit(services) as unit:
        accounts = AccountRepository(unit)
        user = _find(accounts, user_id)
        accounts.enable(user)
        _record(unit, by, visitor, "user.enable", user)


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
    clean = _as_typed(name)
    is_valid = all(char.isalnum() or char in _NAME_PUNCTUATION for char in clean)
    if not clean or len(clean) > MAX_NAME_CHARS or not is_valid:
        raise UserInputError(
            "That is not a name the studio can use",
            remedy=f"Use 1 to {MAX_NAME_CHARS} letters, digits and {_NAME_PUNCTUATION}",
            code="account.name_invalid",
        )
    return clean


def _require_admin(by: Actor | None) -> None:
    if by is not None and not by.is_admin:
        raise ForbiddenError


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
        raise AccountError("This account is gone.", code="account.unknown")
    return user


def _record(
    unit: Session, by: Actor | None, visitor: Visitor, action: str, user: User, **detail: str
) -> None:
    AuditRepository(unit).record(
        by.id if by else None, action, user.name, detail=dict(detail), ip=visitor.ip
    )


def _as_typed(name: str) -> str:
    """One form for names that look alike, however the keyboard composes them."""
    return normalise_name(unicodedata.normalize("NFKC", name))


def _in_words(seconds: float) -> str:
    if seconds > 90:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{max(1, math.ceil(seconds))} seconds"
