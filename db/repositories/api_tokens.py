"""Keys with which scripts sign in. Only their hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from db.models import ApiToken, User
from db.types import Scope, utc_now


class ApiTokenRepository:
    """API tokens by SHA-256. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self,
        user_id: UUID,
        name: str,
        *,
        prefix: str,
        token_hash: bytes,
        scopes: Sequence[Scope],
        expires_at: datetime | None = None,
    ) -> ApiToken:
        """Remember a new token, of which ``prefix`` may be shown."""
        token = ApiToken(
            user_id=user_id,
            name=name,
            prefix=prefix,
            token_hash=token_hash,
            scopes=[str(scope) for scope in scopes],
            expires_at=expires_at,
        )
        self._session.add(token)
        self._session.flush()
        return token

    def of_user(self, user_id: UUID) -> Sequence[ApiToken]:
        """A person's tokens, the newest first, expired ones too."""
        return self._session.scalars(
            select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())
        ).all()

    def count(self, user_id: UUID) -> int:
        """How many tokens a person has, expired ones too."""
        own = ApiToken.user_id == user_id
        return self._session.scalars(select(func.count()).select_from(ApiToken).where(own)).one()

    def find(self, token_hash: bytes) -> tuple[ApiToken, User] | None:
        """The unexpired token of an enabled account that needs no new password."""
        found = self._session.execute(
            select(ApiToken, User)
            .join(User, User.id == ApiToken.user_id)
            .where(
                ApiToken.token_hash == token_hash,
                or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > utc_now()),
                User.disabled_at.is_(None),
                User.must_change_password.is_(False),
            )
        ).one_or_none()
        return None if found is None else (found[0], found[1])

    def mark_used(self, token_id: UUID) -> None:
        """Note that the token was used just now."""
        self._session.execute(
            update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=utc_now())
        )

    def revoke(self, user_id: UUID, token_id: UUID) -> bool:
        """Delete a person's token. Returns whether it was there."""
        doomed = delete(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
        return self._session.scalar(doomed.returning(ApiToken.id)) is not None
