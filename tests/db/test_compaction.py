from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import migrate, session
from db.compaction import compact
from db.migrate import upgrade
from db.session import Database
from tests.factories import fill_history, make_user


def fill_and_empty(database: Database) -> None:
    with database.write() as session:
        fill_history(session, [make_user(session)], 3000)
    with database.write() as session:
        for table in ("job_inputs", "job_outputs", "jobs"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")


def pragma(database: Database, name: str) -> int:
    with database.read() as session:
        value: int = session.connection().exec_driver_sql(f"PRAGMA {name}").scalar_one()
        return value


def test_compact_gives_the_space_of_deleted_runs_back(sqlite_database: Database) -> None:
    fill_and_empty(sqlite_database)
    pages = pragma(sqlite_database, "page_count")

    freed_bytes = compact(sqlite_database)

    assert pragma(sqlite_database, "freelist_count") == 0
    assert pragma(sqlite_database, "page_count") < pages / 4
    assert freed_bytes == (pages - pragma(sqlite_database, "page_count")) * pragma(
        sqlite_database, "page_size"
    )


def test_compact_where_nothing_is_free_changes_nothing(database: Database) -> None:
    compact(database)
    assert compact(database) == 0


def test_upgrade_of_a_file_that_cannot_shrink_makes_it_able_to(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    upgrade(f"sqlite:///{path}")
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA journal_mode=DELETE")
        old.execute("PRAGMA auto_vacuum=NONE")
    old.execute("VACUUM")
    assert old.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    old.close()

    upgrade(f"sqlite:///{path}")

    database = Database(f"sqlite:///{path}")
    assert pragma(database, "auto_vacuum") == 2
    fill_and_empty(database)
    assert compact(database) > 0


def test_upgrade_while_somebody_else_rebuilds_the_file_leaves_it_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "old.db"
    upgrade(f"sqlite:///{path}")
    rebuild = migrate.make_compactable

    def meet_another(engine: Engine) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            rebuild(engine)

    monkeypatch.setattr(migrate, "make_compactable", meet_another)
    monkeypatch.setattr(session, "_SQLITE_PRAGMAS", ("busy_timeout=0",))
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode=DELETE")
        old.execute("PRAGMA auto_vacuum=NONE")
        old.execute("VACUUM")

    upgrade(f"sqlite:///{path}")

    assert "was not rebuilt" in caplog.text
