"""Brings a database to the schema of this version. Safe to call from several processes at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, make_url
from sqlalchemy.sql.schema import SchemaItem

from db.compaction import make_compactable
from db.errors import DatabaseAwayError, MigrationError
from db.models import ONLY_ON
from db.session import create_studio_engine, translated
from studio.words import msg

_SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
_ADVISORY_LOCK = 0x6461726B726F6F6D  # "darkroom"
_WAIT_FOR_OTHERS = "10min"
_WAIT_FOR_TABLE = "5s"

logger = logging.getLogger(__name__)


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to ``revision`` in one transaction: all of it happens, or nothing.

    Of several processes one migrates; the others wait and find it done.

    Raises:
        MigrationError: rows would point nowhere.
        DatabaseAwayError: it cannot be reached, or others use it for too long.

    """
    with exclusive_connection(url) as connection:
        command.upgrade(_config(connection), revision)
    _make_compactable(url)


def downgrade(url: str, revision: str) -> None:
    """Migrate down to ``revision``; ``base`` drops every table.

    Raises:
        MigrationError: rows would point nowhere.
        DatabaseAwayError: it cannot be reached, or others use it for too long.

    """
    with exclusive_connection(url) as connection:
        command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """The revision the database is at, or none when it was never migrated.

    Raises:
        DatabaseAwayError: it cannot be reached.

    """
    engine = create_studio_engine(url)
    try:
        with translated(), engine.connect().execution_options(readonly=True) as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str:
    """The revision that this version of the studio needs."""
    revision = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    if revision is None:
        raise MigrationError(msg("No migrations are installed with this studio."))
    return revision


Include = Callable[[SchemaItem, str | None, str, bool, object], bool]
"""What Alembic asks before it compares a part of the schema."""


def belongs_on(dialect: str) -> Include:
    """Leaves out of a comparison what only another kind of database has."""

    def include(item: SchemaItem, _name: str | None, _kind: str, _found: bool, _: object) -> bool:
        return str(item.info.get(ONLY_ON, dialect)) == dialect

    return include


@contextmanager
def exclusive_connection(url: str) -> Iterator[Connection]:
    """A connection in a transaction that no other migration shares; commits at the end.

    PostgreSQL queues migrations on an advisory lock, and lets one give up when it cannot
    lock a table soon, so that it never holds up the jobs behind it. SQLite's ``BEGIN
    IMMEDIATE`` is the lock; its foreign keys are checked at the end instead of on the
    way, because rebuilding a table in batch mode drops it for a moment.

    Raises:
        DatabaseAwayError: it cannot be reached, or others use it for too long.

    """
    engine = create_studio_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        event.listen(engine, "connect", _suspend_foreign_keys)
    try:
        with translated(), engine.begin() as connection:
            if not is_sqlite:
                _queue_behind_others(connection)
            yield connection
            if is_sqlite:
                _require_intact_foreign_keys(connection)
    finally:
        engine.dispose()


def _make_compactable(url: str) -> None:
    """A SQLite file of an older version cannot give space back until it is rebuilt, once.

    Where that cannot be done now, as somebody else does it perhaps, it is left to a later time.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return
    engine = create_studio_engine(url)
    try:
        with translated():
            make_compactable(engine)
    except DatabaseAwayError as error:
        logger.warning("the database was not rebuilt to give space back: %s", error.__cause__)
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _queue_behind_others(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_FOR_OTHERS}'")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_FOR_TABLE}'")


def _suspend_foreign_keys(connection: SqliteConnection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")  # a no-op inside a transaction


def _require_intact_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = tuple(sorted({row[0] for row in broken}))
        raise MigrationError(
            msg("The migration would leave rows in {tables} that point nowhere.", tables=tables)
        )
