"""Engines and units of work for SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as SqliteError
from threading import Lock
from time import monotonic, sleep
from typing import TypeVar

from psycopg.errors import DiskFull as PostgresqlDiskFull
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from db.errors import DatabaseAwayError, DatabaseFullError

_SQLITE_TURN_S = 15.0
"""How long a writer waits for those before it."""
_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    # Survives a killed process; a power cut may drop the last commits, never corrupt.
    "synchronous=NORMAL",
    f"busy_timeout={_SQLITE_TURN_S * 1000:.0f}",
    "foreign_keys=ON",
)

_POSTGRESQL_ARGUMENTS = {
    # A server that has vanished without a word is noticed, and nobody waits for it for ever.
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
SHORT_WAIT_S = 2.0
"""How long a unit of work waits for a database that is away: a restart, not an outage."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0
_PASSING_SQLITE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)

T = TypeVar("T")
logger = logging.getLogger(__name__)


def create_studio_engine(url: str) -> Engine:
    """Engine for ``url`` with the transaction rules the studio relies on.

    SQLite runs in WAL mode and begins writing transactions with ``BEGIN IMMEDIATE``, so
    that a read followed by a write cannot lose an update or fail half-way; connections
    with the execution option ``readonly`` begin plainly and never wait for a writer.
    """
    address = make_url(normalise_url(url))
    is_sqlite = address.get_backend_name() == "sqlite"
    engine = create_engine(
        address, pool_pre_ping=True, connect_args={} if is_sqlite else _POSTGRESQL_ARGUMENTS
    )
    if is_sqlite:
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


@lru_cache
def _sqlite_lock(_url: str, _pid: int) -> Lock:
    return Lock()


@contextmanager
def _sqlite_turn(url: str) -> Iterator[None]:
    """Threads that write to one file wait for each other here, in turn.

    SQLite makes them look again and again, after longer and longer pauses; among many the same
    ones are late each time.
    """
    lock = _sqlite_lock(url, os.getpid())
    if not lock.acquire(timeout=_SQLITE_TURN_S):
        raise DatabaseAwayError from TimeoutError("others write for too long")
    try:
        yield
    finally:
        lock.release()


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
        """A unit of work: commits at the end, rolls back on any error.

        Raises:
            DatabaseAwayError: the database was away when it was to begin, and for
                ``SHORT_WAIT_S`` after that; other writers took too long; or it was cut off. A
                cut at the end leaves open whether it was committed.

        """
        with translated(), self._turn(), Session(self.engine, expire_on_commit=False) as session:
            _begin(session)
            yield session
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A unit of work for reading; what is changed in it is never saved.

        On SQLite all of it reads one snapshot, on PostgreSQL each statement what is committed.

        Raises:
            DatabaseAwayError: as for ``write``.

        """
        engine = self.engine.execution_options(readonly=True)
        with translated(), Session(engine, expire_on_commit=False) as session:
            _begin(session)
            yield session

    def _turn(self) -> AbstractContextManager[None]:
        is_sqlite = self.engine.dialect.name == "sqlite"
        return _sqlite_turn(self.url) if is_sqlite else nullcontext()

    def insist(self, work: Callable[[Session], T], *, wait_s: float = SHORT_WAIT_S) -> T:
        """Do ``work`` in a unit of work, and again while the database is away.

        ``work`` must bear being done twice: an answer that was lost may follow a commit.

        Raises:
            DatabaseAwayError: the database was away for ``wait_s``.

        """

        def do() -> T:
            with self.write() as session:
                return work(session)

        return _persistently(do, wait_s)


def _begin(session: Session) -> None:
    """Begin now rather than at the first statement: nothing is lost if it takes several tries.

    It also makes instants that a statement names later than the wait for other writers.
    """

    def begin() -> None:
        try:
            session.connection()
        except DBAPIError:
            session.rollback()
            raise

    _persistently(begin, SHORT_WAIT_S)


def _persistently(do: Callable[[], T], wait_s: float) -> T:
    """Do it again, after longer and longer pauses, while the database is away for ``wait_s``."""
    end_s, pause_s = monotonic() + wait_s, _FIRST_PAUSE_S
    while True:
        try:
            return do()
        except (DBAPIError, DatabaseAwayError) as error:
            is_over = monotonic() + pause_s > end_s
            if is_over or not (isinstance(error, DatabaseAwayError) or _is_passing(error)):
                raise
            logger.warning("the database is away, trying again: %s", error.__cause__ or error)
        sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a database that is away raises into a ``DatabaseAwayError``."""
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseAwayError from error
    except SqliteError as error:
        if _sqlite_code(error) not in _PASSING_SQLITE_CODES:
            raise
        raise _away(error) from error
    except DBAPIError as error:
        if not _is_passing(error):
            raise
        if isinstance(error.orig, ReadOnlySqlTransaction):
            # Where nobody fails over, an admin has made it so, and it will not pass by itself.
            logger.warning("the database takes no writes: %s", error.orig)
        raise _away(error.orig) from error


def _away(origin: BaseException | None) -> DatabaseAwayError:
    return DatabaseFullError() if _is_full(origin) else DatabaseAwayError()


def _is_passing(error: DBAPIError) -> bool:
    """Whether the database's state is at fault, not the statement."""
    if isinstance(error.orig, SqliteError):
        return _sqlite_code(error.orig) in _PASSING_SQLITE_CODES
    if isinstance(error.orig, ReadOnlySqlTransaction):  # it stands by, or goes out of service
        return True
    return error.connection_invalidated or isinstance(error, OperationalError)


def _is_full(origin: BaseException | None) -> bool:
    if isinstance(origin, SqliteError):
        return _sqlite_code(origin) == sqlite3.SQLITE_FULL
    return isinstance(origin, PostgresqlDiskFull)


def _sqlite_code(error: SqliteError) -> int | None:
    """The primary result code; errors of the driver's own have none."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
