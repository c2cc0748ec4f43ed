"""Signing in: whose name and password belong together, and how long guesses have to wait.

Every refused attempt leaves an entry in the audit.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from uuid import UUID

from app.people import throttle
from app.people.browsers import known_browser
from app.people.passwords import hash_password, needs_rehash, verify_password
from app.people.sessions import Visitor
from db.models import User
from db.repositories.accounts import AccountRepository, normalise_name
from db.repositories.audit import AuditRepository
from studio.errors import RetriableError, StudioError
from studio.words import Message, msg, msgs
from tasks.services import Services


class SignInRefusedError(StudioError):
    """Name and password do not belong together; which of them is wrong is not said."""

    code = "account.sign_in_refused"

    def __init__(self) -> None:
        super().__init__(
            msg("That name and password don’t match an account. Check both and try again.")
        )


class TooManyAttemptsError(RetriableError):
    """Too many failed sign-ins of late from where this one comes from."""

    code = "account.too_many_attempts"

    def __init__(self, delay_s: float) -> None:
        super().__init__(
            msg("Too many failed attempts. Wait {time}, then try again.", time=_in_words(delay_s)),
            delay_s=delay_s,
        )


@dataclass(frozen=True, slots=True)
class Verified:
    """An account whose password was right, and the hash that it was right by."""

    user_id: UUID
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Approach:
    """Where an attempt to sign in comes from.

    Attributes:
        owner: in whose turn its password is looked at: the person's, however many browsers they
            were in with before; of a stranger the address or network.
        is_known: whether it comes from a browser in which this person was in before.
        pause_s: how long to let it rest, as the name was guessed at elsewhere of late.

    """

    owner: Hashable
    is_known: bool
    pause_s: float


def authenticate(services: Services, name: str, password: str, visitor: Visitor) -> Verified:
    """The enabled account that name and password belong to.

    An unknown name and a disabled account take as long as a wrong password.

    Raises:
        SignInRefusedError: they belong to none.
        TooManyAttemptsError: failed too often of late; the password was not looked at.

    """
    name = normalise_name(name)
    with services.database.read() as unit:
        user = AccountRepository(unit).by_name(name)
    is_open = user is not None and user.disabled_at is None
    known_hash = user.password_hash if user and is_open else None
    source = _known_source(services, user, visitor) or visitor.network
    if not is_right(services, name, source, known_hash, password, visitor) or user is None:
        with services.database.write() as unit:
            AuditRepository(unit).record(
                user.id if user else None, "session.refuse", name, ip=visitor.ip
            )
        raise SignInRefusedError
    if needs_rehash(user.password_hash):
        new_hash = hash_password(password)
        with services.database.write() as unit:
            now = AccountRepository(unit).hold(user.id, is_changed=True)
            if now and now.password_hash == user.password_hash:  # not changed meanwhile
                now.password_hash = new_hash
                return Verified(user.id, new_hash)
    return Verified(user.id, user.password_hash)


def approach(services: Services, name: str, visitor: Visitor) -> Approach:
    """Look at an attempt to sign in under ``name`` before its password is."""
    name = normalise_name(name)
    with services.database.read() as unit:
        user = AccountRepository(unit).by_name(name)
    if user and _known_source(services, user, visitor):
        return Approach(user.id, is_known=True, pause_s=0.0)
    pause_s = throttle.pause_s(services, name, visitor.network)
    return Approach(visitor.network, is_known=False, pause_s=pause_s)


def _known_source(services: Services, user: User | None, visitor: Visitor) -> str | None:
    """A browser that this person was in with before, which is counted for itself."""
    if user is None or not visitor.browser:
        return None
    browser_id = known_browser(services.settings, user.id, visitor.browser)
    return f"browser:{browser_id}" if browser_id else None


def is_right(
    services: Services,
    name: str,
    source: str,
    password_hash: str | None,
    password: str,
    visitor: Visitor,
) -> bool:
    """Whether a password is the one of this hash; of none it is not, as slowly.

    Args:
        name: of the account that is guessed at, if it is a guess.
        source: where the guesses that count against this one come from.

    Raises:
        TooManyAttemptsError: ``source`` has to wait; the password was not looked at.

    """
    wait_s = throttle.admit(services, name, source, visitor)
    if wait_s:
        raise TooManyAttemptsError(wait_s)
    if not verify_password(password_hash, password):
        return False
    throttle.take_back(services, name, source)
    return True


def _in_words(seconds: float) -> Message:
    if seconds > 90:
        return msgs("{n} minute", "{n} minutes", math.ceil(seconds / 60))
    return msgs("a second", "{n} seconds", max(math.ceil(seconds), 1))
