from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from db.models import Pulse
from db.repositories.pulse import PulseRepository
from db.session import Database

TOLERANCE_S = 15.0
LEASE_S = 30.0


def beat(database: Database) -> None:
    with database.write() as session:
        PulseRepository(session).beat(tolerance_s=TOLERANCE_S)


def unbroken(database: Database) -> datetime | None:
    with database.read() as session:
        return PulseRepository(session).is_unbroken(for_s=LEASE_S, tolerance_s=TOLERANCE_S)


def shift(database: Database, **seconds: float) -> None:
    """As if the named instants had been so many seconds later."""
    with database.write() as session:
        pulse = session.get_one(Pulse, 1)
        moved = {name: getattr(pulse, name) + timedelta(seconds=s) for name, s in seconds.items()}
        session.execute(update(Pulse).values(moved))


def test_pulse_that_never_beat_is_broken(database: Database) -> None:
    assert unbroken(database) is None


def test_pulse_beats_for_a_whole_lease_is_unbroken(database: Database) -> None:
    beat(database)
    assert unbroken(database) is None
    shift(database, unbroken_since=-LEASE_S, beat_at=-5)
    beat(database)
    assert unbroken(database) is not None


@pytest.mark.parametrize("gap_s", [20.0, 3600.0, -3600.0])
def test_pulse_after_a_gap_or_a_set_clock_starts_anew(database: Database, gap_s: float) -> None:
    beat(database)
    shift(database, unbroken_since=-gap_s - 2 * LEASE_S, beat_at=-gap_s)
    assert unbroken(database) is None  # before anybody has beaten again
    beat(database)
    assert unbroken(database) is None
