"""People who can sign in, for tests."""

from __future__ import annotations

from functools import cache

from app.people.passwords import hash_password
from app.people.sessions import SignedIn, Visitor, find_session, open_session
from db.actor import Actor
from db.repositories.accounts import AccountRepository
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
