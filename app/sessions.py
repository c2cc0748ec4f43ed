"""Signed-in browsers and API tokens: opened, looked up, ended.

Tokens are 256 random bits. The database keeps their SHA-256, which is enough to find one and
of no use to whoever steals the database.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.actor import Actor
from db.models import ApiToken, User, UserSession
from db.repositories.accounts import AccountRepository
from db.repositories.api_tokens import ApiTokenRepository
from db.repositories.audit import AuditRepository
from db.types import utc_now
from tasks.services import Services

_TOKEN_BYTES = 32
_API_PREFIX = "studio_"
_SHOWN_CHARS = 12
_USE_RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from, for the rate limit, the list of sessions and the audit."""

    ip: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person and the browser session they came by."""

    session_id: UUID
    actor: Actor
    must_change_password: bool
    expires_at: datetime


def open_session(services: Services, user_id: UUID, visitor: Visitor) -> str:
    """Sign a browser in. Returns the token for its cookie, which is kept nowhere."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = utc_now() + timedelta(days=services.settings.session_days)
    with services.database.write() as unit:
        accounts = AccountRepository(unit)
        user = accounts.get(user_id)
        if user is None:
            raise LookupError(f"no account {user_id}")
        accounts.open_session(
            user, _hash(token), expires_at, ip=visitor.ip[:64], agent=visitor.agent
        )
        accounts.forget_expired_sessions()
        AuditRepository(unit).record(user_id, "session.open", user.name, ip=visitor.ip)
    return token


def find_session(services: Services, token: str) -> SignedIn | None:
    """The live session of this token, when its account is enabled."""
    with services.database.read() as unit:
        found = AccountRepository(unit).find_session(_hash(token))
    if found is None:
        return None
    return SignedIn(
        found.id, actor_of(found.user), found.user.must_change_password, found.expires_at
    )


def end_session(services: Services, token: str, visitor: Visitor) -> None:
    """Sign a browser out; its other tabs are out with it. Unknown tokens are out already."""
    signed_in = find_session(services, token)
    if signed_in is None:
        return
    with services.database.write() as unit:
        AccountRepository(unit).end_session(_hash(token))
        AuditRepository(unit).record(
            signed_in.actor.id, "session.end", signed_in.actor.name, ip=visitor.ip
        )


def end_other_sessions(services: Services, signed_in: SignedIn, visitor: Visitor) -> None:
    """Sign the person out everywhere but here."""
    with services.database.write() as unit:
        accounts = AccountRepository(unit)
        user = accounts.get(signed_in.actor.id)
        if user is None:
            raise LookupError(f"no account {signed_in.actor.id}")
        accounts.end_sessions(user, keep_session_id=signed_in.session_id)
        AuditRepository(unit).record(user.id, "session.end_others", user.name, ip=visitor.ip)


def sessions_of(services: Services, actor: Actor) -> Sequence[UserSession]:
    """The person's live sessions, the newest first."""
    with services.database.read() as unit:
        return AccountRepository(unit).sessions_of(actor.id)


def create_api_token(services: Services, actor: Actor, name: str, visitor: Visitor) -> str:
    """A key with which a script acts as ``actor``. Returns it; it cannot be shown again."""
    token = _API_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    with services.database.write() as unit:
        ApiTokenRepository(unit).create(
            actor.id, name.strip()[:64], prefix=token[:_SHOWN_CHARS], token_hash=_hash(token)
        )
        AuditRepository(unit).record(actor.id, "api_token.create", name, ip=visitor.ip)
    return token


def find_api_token(services: Services, token: str) -> Actor | None:
    """The person this key acts for, when their account is enabled."""
    with services.database.read() as unit:
        found = ApiTokenRepository(unit).find(_hash(token))
    if found is None:
        return None
    api_token, user = found
    last_used_at = api_token.last_used_at
    if last_used_at is None or utc_now() - last_used_at > _USE_RESOLUTION:
        with services.database.write() as unit:
            ApiTokenRepository(unit).mark_used(api_token.id)
    return actor_of(user)


def api_tokens_of(services: Services, actor: Actor) -> Sequence[ApiToken]:
    """The person's keys, the newest first."""
    with services.database.read() as unit:
        return ApiTokenRepository(unit).of_user(actor.id)


def revoke_api_token(services: Services, actor: Actor, token_id: UUID, visitor: Visitor) -> None:
    """Make a key of the person's own worthless; one that is gone stays gone."""
    with services.database.write() as unit:
        if ApiTokenRepository(unit).revoke(actor.id, token_id):
            AuditRepository(unit).record(actor.id, "api_token.revoke", str(token_id), ip=visitor.ip)


def actor_of(user: User) -> Actor:
    """The account as queries need it."""
    return Actor(user.id, user.name, user.role)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
