"""How guessing at passwords is slowed down, by name and by where the guesses come from.

Nobody is locked out: waits grow with the failures of one source, stay under
``sign_in_longest_wait_s`` and are forgotten after ``sign_in_window_s``. What strangers fail at
elsewhere makes an attempt slower, never refused.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.people.sessions import Visitor
from db.repositories.accounts import AccountRepository, Failures
from db.repositories.audit import AuditRepository
from db.types import utc_now
from studio.settings import Settings
from tasks.services import Services

_ATTEMPTS_PER_ADDRESS = 4
"""A team behind one address may mistype this many times as often as one person."""
_FIRST_WAIT_S = 2.0
_MAX_DOUBLINGS = 20
_LONGEST_PAUSE_S = 4.0

_counting = threading.Lock()


def pause_s(services: Services, name: str, source: str) -> float:
    """How long to let an attempt of ``source`` rest before it is looked at.

    For browsers that are not known; 0 unless others have guessed at the name of late.
    """
    settings = services.settings
    since = _since(settings, utc_now())
    with services.database.read() as unit:
        accounts = AccountRepository(unit)
        everyones = accounts.failures(since, name=name).count
        own = accounts.failures(since, name=name, source=source).count
    return min(_LONGEST_PAUSE_S, _growing_s(everyones - own - settings.sign_in_attempts))


def admit(services: Services, name: str, source: str, visitor: Visitor) -> float:
    """Count an attempt of ``source`` as failed before its outcome is known.

    So guesses made side by side see one another; one that was right is taken back. Returns 0,
    or the seconds to wait: the attempt is then refused and not counted, so that hammering does
    not prolong the wait.
    """
    with _counting, services.database.write() as unit:
        now = utc_now()
        accounts = AccountRepository(unit)
        since = _since(services.settings, now)
        accounts.forget_failures(since)
        own, everyone = _failures(accounts, name, source, since)
        wait_s = max(
            _wait_s(services.settings, own, 1, now),
            _wait_s(services.settings, everyone, _ATTEMPTS_PER_ADDRESS, now),
        )
        if wait_s:
            _record_once(unit, name, visitor, max(own.last, everyone.last))
        else:
            accounts.record_failure(name, source)
    return wait_s


def take_back(services: Services, name: str, source: str) -> None:
    """Forget what ``source`` failed at under this name: it has shown to be the person."""
    with services.database.write() as unit:
        AccountRepository(unit).clear_failures(name, source)


def _failures(
    accounts: AccountRepository, name: str, source: str, since: datetime
) -> tuple[Failures, Failures]:
    """Of ``source`` under this name, and under any."""
    own = accounts.failures(since, name=name, source=source)
    return own, accounts.failures(since, source=source)


def _wait_s(settings: Settings, found: Failures, times: int, now: datetime) -> float:
    wait_s = _growing_s(found.count - settings.sign_in_attempts * times)
    wait_s = min(wait_s, settings.sign_in_longest_wait_s)
    return max(0.0, wait_s - max(0.0, (now - found.last).total_seconds()))


def _growing_s(beyond: int) -> float:
    """Nothing within what is free, then twice as long after each further failure."""
    return 0.0 if beyond < 0 else _FIRST_WAIT_S * 2.0 ** min(beyond, _MAX_DOUBLINGS)


def _since(settings: Settings, now: datetime) -> datetime:
    return now - timedelta(seconds=settings.sign_in_window_s)


def _record_once(unit: Session, name: str, visitor: Visitor, since: datetime) -> None:
    """One entry for each wait, however often it is knocked at meanwhile."""
    audit = AuditRepository(unit)
    if not audit.has_happened("session.throttle", name, ip=visitor.network, since=since):
        audit.record(None, "session.throttle", name, ip=visitor.network)
