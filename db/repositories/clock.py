"""The clock that leases are measured with."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, Interval, func, literal
from sqlalchemy.orm import Session

from db.repositories.dialect import is_postgresql
from db.types import UtcDateTime, utc_now


def instant(session: Session, after_s: float = 0.0) -> ColumnElement[datetime]:
    """Now, or ``after_s`` from now (negative: before), as an SQL expression.

    On PostgreSQL it is the server's clock, so hosts may disagree about the time; SQLite
    has one host, whose clock it is.
    """
    after = timedelta(seconds=after_s)
    if not is_postgresql(session):
        return literal(utc_now() + after, UtcDateTime())
    now: ColumnElement[datetime] = func.clock_timestamp(type_=DateTime(timezone=True))
    return now + literal(after, Interval())
