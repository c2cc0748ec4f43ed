"""Where SQLite and PostgreSQL must be spoken to differently, and what both of them bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.models import Base

_IDS_PER_STATEMENT = 10_000


def is_postgresql(session: Session) -> bool:
    """Whether ``session`` talks to PostgreSQL rather than SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def lock_table(session: Session, table: type[Base]) -> None:
    """Keep everybody else from changing or locking rows of ``table`` until the commit.

    A writing transaction on SQLite does that by itself.
    """
    if is_postgresql(session):
        session.execute(text(f"LOCK TABLE {table.__tablename__} IN EXCLUSIVE MODE"))


def some(
    limit: int, key: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ...]:
    """What no more than ``limit`` of the rows meet that meet ``conditions``.

    ``key`` tells the rows apart. For statements that change many rows, a few at a time.
    """
    # Said twice: a row that somebody changes between the two is looked at again.
    return (*conditions, key.in_(select(key).where(*conditions).limit(limit)))


def lock_name(session: Session, owner_id: UUID, name: str) -> None:
    """Let nobody else lock this name of this person until the commit: for rows that may not be.

    A writing transaction on SQLite does that by itself.
    """
    if is_postgresql(session):
        keys = func.hashtext(str(owner_id)), func.hashtext(name)
        session.execute(select(func.pg_advisory_xact_lock(*keys)))


def chunks(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    """``ids`` in portions, as databases bound how many values one statement may hold."""
    rest = iter(ids)
    while chunk := list(islice(rest, _IDS_PER_STATEMENT)):
        yield chunk
