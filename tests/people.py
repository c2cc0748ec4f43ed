"""People who can sign in, for tests."""

from __future__ import annotations

from functools import cache
from uuid import UUID, uuid4

import pytest

from app.people import sessions
from app.people.passwords import hash_password
from app.people.sessions import SignedIn, Visitor, find_session
from app.people.signing_in import SignInRefusedError, authenticate
from db.actor import Actor
from db.repositories.accounts import AccountRepository
from db.repositories.audit import AuditRepository
from db.types import Role
from tasks.services import Services
from tests.factories import actor_of

PASSWORD = "correct horse battery"
HERE = Visitor(ip="192.0.2.7", agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36")


def make_person(
    services: Services,
    name: str = "mei",
    role: Role = Role.MEMBER,
    *,
    must_change_password: bool = False,
) -> Actor:
    """An account whose password is ``PASSWORD``."""
    with services.database.write() as unit:
        return actor_of(
            AccountRepository(unit).create(
                name, role, _password_hash(), must_change_password=must_change_password
            )
        )


def open_session(services: Services, user_id: UUID, visitor: Visitor) -> str:
    """As after the right password: the token of a new session's cookie."""
    with services.database.read() as unit:
        user = AccountRepository(unit).get(user_id)
    assert user is not None
    return sessions.open_session(services, user_id, visitor, password_hash=user.password_hash)


def sign_in(services: Services, actor: Actor) -> tuple[str, SignedIn]:
    """A browser session of ``actor``: the token of its cookie, and what it stands for."""
    token = open_session(services, actor.id, HERE)
    signed_in = find_session(services, token)
    assert signed_in is not None
    return token, signed_in


@cache
def _password_hash() -> str:
    """Hashing is slow on purpose; once will do."""
    return hash_password(PASSWORD)


def fail_to_sign_in(services: Services, name: str, times: int, visitor: Visitor = HERE) -> None:
    """Guess at a password, wrongly."""
    for _ in range(times):
        with pytest.raises(SignInRefusedError):
            authenticate(services, name, "not the password", visitor)


def audit(services: Services) -> list[tuple[str, str]]:
    """Deeds and their subjects, the oldest first."""
    reader = make_person(services, f"auditor-{uuid4().hex[:6]}", Role.ADMIN)
    with services.database.read() as unit:
        return [(row.action, row.subject) for row in AuditRepository(unit).page(reader)][::-1]
