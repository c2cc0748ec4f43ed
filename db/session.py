"""Engines and units of work for SQLite and PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    # Survives a killed process; a power cut may drop the last commits, never corrupt.
    "synchronous=NORMAL",
    "busy_timeout=15000",
    "foreign_keys=ON",
)


def create_studio_engine(url: str) -> Engine:
    """Engine for ``url`` with the transaction rules the studio relies on.

    SQLite runs in WAL mode and begins writing transactions with ``BEGIN IMMEDIATE``, so
    that a read followed by a write cannot lose an update or fail half-way; connections
    with the execution option ``readonly`` begin plainly and never wait for a writer.
    """
    engine = create_engine(normalise_url(url), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def normalise_url(url: str) -> str:
    """``postgresql://`` and ``postgres://`` addresses use the psycopg 3 driver."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _configure_sqlite(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver's implicit BEGIN would read outside of ours
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("readonly")
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


@lru_cache
def _engine(url: str, _pid: int) -> Engine:
    return create_studio_engine(url)


class Database:
    """Opens units of work; engines are built lazily and once a process, so forks are safe."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        return _engine(self.url, os.getpid())

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work: commits at the end, rolls back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot for reading; what is changed in it is never saved."""
        engine = self.engine.execution_options(readonly=True)
        with Session(engine, expire_on_commit=False) as session:
            yield session
