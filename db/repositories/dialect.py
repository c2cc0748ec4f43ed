"""Where SQLite and PostgreSQL must be spoken to differently."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.models import Base


def is_postgresql(session: Session) -> bool:
    """Whether ``session`` talks to PostgreSQL rather than SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def lock_table(session: Session, table: type[Base]) -> None:
    """Keep everybody else from changing or locking rows of ``table`` until the commit.

    A writing transaction on SQLite does that by itself.
    """
    if is_postgresql(session):
        session.execute(text(f"LOCK TABLE {table.__tablename__} IN EXCLUSIVE MODE"))
