"""Space that deleted rows leave behind goes back to the disk, where SQLite keeps it."""

from __future__ import annotations

from contextlib import closing
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine

from db.session import Database

_PAGES_A_STEP = 1000
"""Given back in one transaction: 4 MB, some 10 ms in which writers wait."""
_INCREMENTAL = 2


def make_compactable(engine: Engine) -> None:
    """Have a SQLite file give pages back from now on; one made without that is rebuilt, once."""
    with closing(engine.raw_connection()) as connection:
        driver = _sqlite(connection.driver_connection)
        if driver.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
            driver.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
            driver.execute("VACUUM")


def compact(database: Database) -> int:
    """Give free pages of a SQLite file back, step by step; returns how many bytes.

    PostgreSQL's autovacuum looks after itself.
    """
    if database.engine.dialect.name != "sqlite":
        return 0
    freed_pages = 0
    while step := _free_some(database):
        freed_pages += step
    with database.read() as session:
        return freed_pages * _pragma(session.connection(), "page_size")


def _free_some(database: Database) -> int:
    """Pages given back in one transaction; none when none is free."""
    with database.write() as session:
        connection = session.connection()
        before = _pragma(connection, "page_count")
        driver = _sqlite(connection.connection.driver_connection)
        # It works while its result is read, which SQLAlchemy does not do as it has no columns.
        driver.execute(f"PRAGMA incremental_vacuum({_PAGES_A_STEP})").fetchall()
        return before - _pragma(connection, "page_count")


def _sqlite(driver: object) -> SqliteConnection:
    if not isinstance(driver, SqliteConnection):
        raise TypeError(f"SQLite through {type(driver)} is not known here")
    return driver


def _pragma(connection: Connection, name: str) -> int:
    value: int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return value
