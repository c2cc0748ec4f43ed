"""Signed-in browsers and API tokens: opened, looked up, ended.

Tokens are 256 random bits. The database keeps their SHA-256, which is enough to find one and
of no use to whoever steals the database.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network
from uuid import UUID

from db.actor import Actor
from db.errors import DatabaseAwayError
from db.models import ApiToken, User, UserSession
from db.repositories.accounts import AccountRepository
from db.repositories.api_tokens import ApiTokenRepository
from db.repositories.audit import AuditRepository
from db.types import Role, Scope, utc_now
from studio.errors import UserInputError
from studio.settings import Settings
from studio.text import line
from studio.words import msg, msgs
from tasks.authority import Needs, NotAllowedError, authorise
from tasks.services import Services

_TOKEN_BYTES = 32
_API_PREFIX = "studio_"
_SHOWN_CHARS = 12
DEFAULT_TOKEN_LIFETIME = timedelta(days=90)
_SCOPES = tuple(Scope)
_ROLES = {Scope.READ: Role.VIEWER, Scope.RUN: Role.MEMBER, Scope.ADMIN: Role.ADMIN}
_USE_RESOLUTION = timedelta(minutes=1)
MAX_TOKEN_NAME_CHARS = 64
MAX_TOKENS = 50
"""Of one person, expired ones among them: the page shows all of them."""
_PREFIX_BITS = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from, for the rate limit, the list of sessions and the audit."""

    ip: str = ""
    agent: str = ""
    browser: str = ""
    """The cookie by which a browser that was in before is known; empty for others."""

    @property
    def network(self) -> str:
        """What stands for one visitor who may change addresses: of IPv6, the /64 that each has."""
        try:
            address = IPv6Address(self.ip)
        except ValueError:
            return self.ip
        if address.ipv4_mapped:  # of a socket that listens on IPv6
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, _PREFIX_BITS), strict=False))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person and the browser session they came by."""

    session_id: UUID
    actor: Actor
    must_change_password: bool
    expires_at: datetime


def session_cookie(settings: Settings) -> str:
    """The cookie's name; under HTTPS the prefix stops other hosts from planting one."""
    return "__Host-studio" if settings.secure_cookies else "studio"


def open_session(services: Services, user_id: UUID, visitor: Visitor, *, password_hash: str) -> str:
    """Sign a browser in. Returns the token for its cookie, which is kept nowhere.

    Args:
        services: the studio.
        user_id: of the account.
        visitor: where the browser is.
        password_hash: that the password was checked against; another one by now opens nothing.

    Raises:
        NotAllowedError: ``permission.no_account``, the account was closed meanwhile;
            ``permission.signed_out``, its password was changed.

    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = utc_now() + timedelta(days=services.settings.session_days)
    with services.database.write() as unit:
        accounts = AccountRepository(unit)
        user = accounts.hold(user_id)
        if user is None or user.disabled_at is not None:
            raise NotAllowedError(msg("This account is closed."), code="permission.no_account")
        if user.password_hash != password_hash:
            raise NotAllowedError(
                msg("The password was changed meanwhile. Sign in with the new one."),
                code="permission.signed_out",
            )
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
    actor = replace(actor_of(found.user), session_id=found.id)
    return SignedIn(found.id, actor, found.user.must_change_password, found.expires_at)


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
        actor = authorise(unit, signed_in.actor, Needs.ACCOUNT)
        AccountRepository(unit).end_sessions(actor.id, keep_session_id=signed_in.session_id)
        AuditRepository(unit).record(actor.id, "session.end_others", actor.name, ip=visitor.ip)


def sessions_of(services: Services, actor: Actor) -> Sequence[UserSession]:
    """The person's live sessions, the newest first."""
    with services.database.read() as unit:
        return AccountRepository(unit).sessions_of(actor.id)


def create_api_token(
    services: Services,
    actor: Actor,
    name: str,
    visitor: Visitor,
    *,
    scope: Scope = Scope.RUN,
    lifetime: timedelta = DEFAULT_TOKEN_LIFETIME,
) -> str:
    """A key with which a script acts as ``actor`` within ``scope``; none lives for ever.

    Returns it; it cannot be shown again.

    Raises:
        UserInputError: ``text.invalid`` for the name, or ``token.too_many``.
        NotAllowedError: the account is closed.

    """
    token = _API_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = utc_now() + lifetime
    name = line(name, MAX_TOKEN_NAME_CHARS, what=msg("The name of a token"))
    with services.database.write() as unit:
        authorise(unit, actor, Needs.ACCOUNT)
        tokens = ApiTokenRepository(unit)
        _require_room(tokens.count(actor.id))
        tokens.create(
            actor.id,
            name,
            prefix=token[:_SHOWN_CHARS],
            token_hash=_hash(token),
            scopes=_SCOPES[: _SCOPES.index(scope) + 1],
            expires_at=expires_at,
        )
        detail = {"scope": scope.value, "until": expires_at.isoformat()}
        AuditRepository(unit).record(
            actor.id, "api_token.create", name, detail=detail, ip=visitor.ip
        )
    return token


def _require_room(held: int) -> None:
    """Refuse another token where ``held`` are as many as may be, or more."""
    if held >= MAX_TOKENS:
        raise UserInputError(
            msgs(
                "You have {n} token and may have {most}",
                "You have {n} tokens and may have {most}",
                held,
                most=MAX_TOKENS,
            ),
            remedy=msgs("Revoke one first.", "Revoke {n} first.", held - MAX_TOKENS + 1),
            code="token.too_many",
        )


def find_api_token(services: Services, token: str) -> Actor | None:
    """The person this key acts for, with no more than its scope, when their account is enabled."""
    with services.database.read() as unit:
        found = ApiTokenRepository(unit).find(_hash(token))
    if found is None:
        return None
    api_token, user = found
    scope = scope_of(api_token)
    if scope is None:
        return None
    last_used_at = api_token.last_used_at
    if last_used_at is None or utc_now() - last_used_at > _USE_RESOLUTION:
        _note_use(services, api_token)
    return replace(actor_of(user), token_id=api_token.id).limited_to(_ROLES[scope])


def _note_use(services: Services, token: ApiToken) -> None:
    """For the list of keys; no reason to turn away who only reads while nothing can be written."""
    try:
        with services.database.write() as unit:
            ApiTokenRepository(unit).mark_used(token.id)
    except DatabaseAwayError as error:
        logger.warning("the use of an API token was not noted: %s", error)


def scope_of(token: ApiToken) -> Scope | None:
    """The widest scope of a key; none when it has no scope that we know."""
    known = [scope for scope in _SCOPES if scope in token.scopes]
    return known[-1] if known else None


def api_tokens_of(services: Services, actor: Actor) -> Sequence[ApiToken]:
    """The person's keys, the newest first."""
    with services.database.read() as unit:
        return ApiTokenRepository(unit).of_user(actor.id)


def revoke_api_token(services: Services, actor: Actor, token_id: UUID, visitor: Visitor) -> None:
    """Make a key of the person's own worthless; one that is gone stays gone."""
    with services.database.write() as unit:
        authorise(unit, actor, Needs.ACCOUNT)
        if ApiTokenRepository(unit).revoke(actor.id, token_id):
            AuditRepository(unit).record(actor.id, "api_token.revoke", str(token_id), ip=visitor.ip)


def actor_of(user: User) -> Actor:
    """The account as queries need it."""
    return Actor(user.id, user.name, user.role, user.locale)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
