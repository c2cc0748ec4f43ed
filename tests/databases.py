"""Real, empty, migrated databases for tests: a SQLite file or a PostgreSQL database each.

A pytest plugin: ``database`` runs a test on both, ``sqlite_database`` and
``postgres_database`` on one. ``STUDIO_TEST_POSTGRES_URL`` names a database whose user may
create others; tests that need it are skipped where it cannot be reached.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from db.migrate import upgrade
from db.models import Base
from db.session import Database
from tests.servers import ServerMissingError

POSTGRES_URL = os.environ.get("STUDIO_TEST_POSTGRES_URL", "postgresql://127.0.0.1:5432/test")


@contextmanager
def postgres_url() -> Iterator[str]:
    """The address of a new, empty database; dropped at the end."""
    name = f"studio_test_{uuid4().hex[:12]}"
    _administer("CREATE DATABASE {}", name)
    try:
        yield make_url(POSTGRES_URL).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer("DROP DATABASE {} WITH (FORCE)", name)


def require_postgres() -> None:
    """Raise ServerMissingError, by which a test is skipped, where no PostgreSQL answers."""
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        raise ServerMissingError(f"no PostgreSQL at STUDIO_TEST_POSTGRES_URL: {error}") from error


def _administer(statement: LiteralString, *names: str) -> None:
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(SQL(statement).format(*map(Identifier, names)))


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.engine.dispose()


def _empty(url: str) -> None:
    """Delete every row, after ending whatever a test left connected."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(SQL("DELETE FROM {}").format(Identifier(table.name)))


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _postgres_url() -> Iterator[str]:
    require_postgres()
    with postgres_url() as url:
        upgrade(url)
        yield url


@pytest.fixture
def sqlite_database(_sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite file without rows."""
    file = tmp_path / "studio.db"
    shutil.copy(_sqlite_template, file)
    with _opened(f"sqlite:///{file}") as database:
        yield database


@pytest.fixture
def postgres_database(_postgres_url: str) -> Iterator[Database]:
    """A migrated PostgreSQL database without rows; its tables are shared, so do not alter them."""
    with _opened(_postgres_url) as database:
        yield database
    _empty(_postgres_url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated database without rows; the test runs once on each kind."""
    name = {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    database: Database = request.getfixturevalue(name)
    return database
