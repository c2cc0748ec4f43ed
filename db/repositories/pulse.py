"""Since when workers have reached the database without a break."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.models import Pulse
from db.repositories.clock import instant
from db.repositories.dialect import is_postgresql

_ONLY = 1


class PulseRepository:
    """Beaten by every worker; asked before anybody's silence is believed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def beat(self, *, tolerance_s: float) -> None:
        """Workers reach the database now. More than ``tolerance_s`` since the last is a break."""
        now = self._now()
        insert = postgresql.insert if is_postgresql(self._session) else sqlite.insert
        first = insert(Pulse).values(id=_ONLY, beat_at=now, unbroken_since=now)
        self._session.execute(first.on_conflict_do_nothing())
        pulse = self._session.get_one(Pulse, _ONLY, with_for_update=True)
        if abs(now - pulse.beat_at) > timedelta(seconds=tolerance_s):
            pulse.unbroken_since = now
        pulse.beat_at = now

    def is_unbroken(self, *, for_s: float, tolerance_s: float) -> datetime | None:
        """The instant of the look, when there was no break in the ``for_s`` before it, else None.

        A clock that was set, forwards or back, is a break too.
        """
        now = self._now()
        pulse = self._session.scalar(select(Pulse))
        if pulse is None or abs(now - pulse.beat_at) > timedelta(seconds=tolerance_s):
            return None
        return now if pulse.unbroken_since <= now - timedelta(seconds=for_s) else None

    def _now(self) -> datetime:
        return self._session.scalars(select(instant(self._session))).one()
