"""Accounts, signed-in browsers and failed sign-ins."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from db.actor import Actor
from db.errors import LastAdminError, NameTakenError
from db.models import ApiToken, SignInFailure, User, UserSession
from db.repositories.dialect import some
from db.types import Role, utc_now

_FAILURE_CHARS = 64


def normalise_name(name: str) -> str:
    """The form in which a name is stored and looked up: trimmed and lower case.

    One for names that look alike, however the keyboard composes them; a name in this form is
    left as it is.
    """
    # Once more, as some letters fall apart when they become lower case.
    return _composed(_composed(name).strip().lower())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@dataclass(frozen=True, slots=True)
class Failures:
    """How many failed sign-ins there were, and when the last was."""

    count: int
    last: datetime


class AccountRepository:
    """Who may enter. Flushes, never commits; the caller has checked who asks."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # People

    def create(
        self, name: str, role: Role, password_hash: str, *, must_change_password: bool = False
    ) -> User:
        """A new account.

        Raises:
            NameTakenError: somebody is called so already.

        """
        user = User(
            name=normalise_name(name),
            role=role,
            password_hash=password_hash,
            must_change_password=must_change_password,
        )
        try:
            with self._session.begin_nested():
                self._session.add(user)
        except IntegrityError as error:
            raise NameTakenError(user.name) from error
        return user

    def get(self, user_id: UUID) -> User | None:
        """The account with this id, disabled or not."""
        return self._session.get(User, user_id)

    def hold(
        self, user_id: UUID, *, with_admins: bool = False, is_changed: bool = False
    ) -> User | None:
        """As :meth:`get`, read anew and unchanged by others until this transaction ends.

        ``with_admins`` holds the rows of all admins, in one order, for who then changes
        accounts. ``is_changed`` is for who then changes this one, or ends its sessions: of two
        that both held it as readers do, neither could.
        """
        if with_admins:
            self._hold_admins()
        return self._session.scalar(
            select(User)
            .where(User.id == user_id)
            .with_for_update(read=not is_changed, key_share=is_changed)
            .execution_options(populate_existing=True)
        )

    def hold_key(self, actor: Actor) -> bool:
        """Whether what ``actor`` came in with is valid, until this transaction ends at least."""
        key: type[UserSession | ApiToken] = UserSession if actor.session_id else ApiToken
        key_id = actor.session_id or actor.token_id
        if key_id is None:
            return True
        valid = select(key.id).where(
            key.id == key_id,
            key.user_id == actor.id,
            or_(key.expires_at.is_(None), key.expires_at > utc_now()),
        )
        return self._session.scalar(valid.with_for_update(read=True)) is not None

    def by_name(self, name: str) -> User | None:
        """The account called so, disabled or not; case does not matter."""
        return self._session.scalar(select(User).where(User.name == normalise_name(name)))

    def everybody(self) -> Sequence[User]:
        """All accounts by name, disabled ones too."""
        return self._session.scalars(select(User).order_by(User.name)).all()

    def set_role(self, user: User, role: Role) -> None:
        """Give another role; it holds from the person's next request.

        Raises:
            LastAdminError: nobody else could manage the studio.

        """
        if role is not Role.ADMIN:
            self._require_another_admin(user)
        user.role = role
        self._session.flush()

    def disable(self, user: User) -> None:
        """Shut the account and end its sessions and tokens for good. Its runs stay.

        Raises:
            LastAdminError: nobody else could manage the studio.

        """
        self._require_another_admin(user)
        user.disabled_at = user.disabled_at or utc_now()
        self.end_sessions(user.id)
        self._end_tokens(user)

    def enable(self, user: User) -> None:
        """Open a disabled account again."""
        user.disabled_at = None
        self._session.flush()

    def set_password(
        self,
        user: User,
        password_hash: str,
        *,
        must_change: bool = False,
        keep_session_id: UUID | None = None,
    ) -> None:
        """Replace the password; ends all tokens, and every session but the one that is kept."""
        user.password_hash = password_hash
        user.must_change_password = must_change
        self.end_sessions(user.id, keep_session_id=keep_session_id)
        self._end_tokens(user)

    def _end_tokens(self, user: User) -> None:
        self._session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))

    # Signed-in browsers

    def open_session(
        self, user: User, token_hash: bytes, expires_at: datetime, *, ip: str = "", agent: str = ""
    ) -> UserSession:
        """Remember a browser by the SHA-256 of its cookie's token."""
        session = UserSession(
            user=user, token_hash=token_hash, expires_at=expires_at, ip=ip, agent=agent[:255]
        )
        self._session.add(session)
        self._session.flush()
        return session

    def find_session(self, token_hash: bytes) -> UserSession | None:
        """The unexpired session of an enabled account, with its user."""
        return self._session.scalar(
            select(UserSession)
            .join(UserSession.user)
            .where(
                UserSession.token_hash == token_hash,
                UserSession.expires_at > utc_now(),
                User.disabled_at.is_(None),
            )
            .options(joinedload(UserSession.user))
        )

    def sessions_of(self, user_id: UUID) -> Sequence[UserSession]:
        """A person's unexpired sessions, the newest first."""
        return self._session.scalars(
            select(UserSession)
            .where(UserSession.user_id == user_id, UserSession.expires_at > utc_now())
            .order_by(UserSession.id.desc())
        ).all()

    def end_session(self, token_hash: bytes) -> None:
        """Sign one browser out; unknown tokens are signed out already."""
        self._session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))

    def end_sessions(self, user_id: UUID, *, keep_session_id: UUID | None = None) -> None:
        """Sign all of a person's browsers out, but for the one that is kept."""
        self._session.flush()
        doomed = delete(UserSession).where(UserSession.user_id == user_id)
        if keep_session_id is not None:
            doomed = doomed.where(UserSession.id != keep_session_id)
        self._session.execute(doomed)

    def forget_expired_sessions(self, *, limit: int = 1000) -> int:
        """Drop up to ``limit`` sessions that nobody can use any more; returns how many."""
        expired = some(limit, UserSession.id, UserSession.expires_at <= utc_now())
        doomed = delete(UserSession).where(*expired).returning(UserSession.id)
        return len(self._session.scalars(doomed).all())

    # Failed sign-ins

    def record_failure(self, name: str, source: str) -> None:
        """Remember a failed sign-in, whether or not there is such an account."""
        self._session.add(SignInFailure(name=_cut(normalise_name(name)), source=_cut(source)))
        self._session.flush()

    def failures(
        self, since: datetime, *, name: str | None = None, source: str | None = None
    ) -> Failures:
        """Failed sign-ins under this name, from this source, or both."""
        found = select(func.count(), func.max(SignInFailure.at)).where(SignInFailure.at >= since)
        if name is not None:
            found = found.where(SignInFailure.name == _cut(normalise_name(name)))
        if source is not None:
            found = found.where(SignInFailure.source == _cut(source))
        count, last = self._session.execute(found).one()
        return Failures(count, last or since)

    def clear_failures(self, name: str, source: str) -> None:
        """Forget this name's failures from this source, after it signed in there."""
        self._session.execute(
            delete(SignInFailure).where(
                SignInFailure.name == _cut(normalise_name(name)),
                SignInFailure.source == _cut(source),
            )
        )

    def forget_failures(self, before: datetime, *, limit: int = 1000) -> int:
        """Drop up to ``limit`` that the rate limit no longer looks at; returns how many."""
        old = some(limit, SignInFailure.id, SignInFailure.at < before)
        doomed = delete(SignInFailure).where(*old).returning(SignInFailure.id)
        return len(self._session.scalars(doomed).all())

    def _require_another_admin(self, user: User) -> None:
        if self._hold_admins() == [user.id]:
            raise LastAdminError

    def _hold_admins(self) -> Sequence[UUID]:
        """The ids of all who are admins until this transaction ends."""
        # ``key_share``: others may still refer to these rows, as new runs of theirs do.
        return self._session.scalars(
            select(User.id)
            .where(User.role == Role.ADMIN, User.disabled_at.is_(None))
            .order_by(User.id)
            .with_for_update(key_share=True)
        ).all()


def _cut(text: str) -> str:
    """As much as the columns of failures hold."""
    return text[:_FAILURE_CHARS]
