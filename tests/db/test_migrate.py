from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import String, inspect, text
from sqlalchemy.exc import DBAPIError

from db import migrate
from db.errors import MigrationError
from db.models import Base
from db.session import Database, create_studio_engine
from tests.databases import postgres_url, skip_without_postgres
from tests.factories import make_job, make_user


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    skip_without_postgres()
    with postgres_url() as url:
        yield url


def tables(url: str) -> set[str]:
    engine = create_studio_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_upgrade_downgrade_upgrade_comes_back_to_the_same_tables(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    assert tables(empty_url) == set(Base.metadata.tables)

    migrate.downgrade(empty_url, "base")
    assert migrate.current(empty_url) is None
    assert tables(empty_url) == set()

    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    assert tables(empty_url) == set(Base.metadata.tables)


def test_migrated_schema_is_that_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_schema_check_sees_a_missing_index(database: Database) -> None:
    with database.engine.connect() as connection:  # never commits
        connection.execute(text("DROP INDEX ix_jobs_history"))
        context = MigrationContext.configure(connection)
        [(what, index)] = compare_metadata(context, Base.metadata)
    assert (what, index.name) == ("add_index", "ix_jobs_history")


def test_revisions_form_one_line_in_dated_files() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent.parent / "migrations"))
    revisions = list(scripts.walk_revisions())
    assert len(scripts.get_heads()) == 1
    for revision in revisions:
        date, _, slug = Path(revision.path).stem.partition("_")
        assert date.isdigit()
        assert len(date) == len("20260131")
        assert slug


def test_upgrade_from_four_processes_at_once_migrates_once(empty_url: str) -> None:
    command = [sys.executable, "-c", f"from db.migrate import upgrade; upgrade({empty_url!r})"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, "\n".join(errors)
    assert migrate.current(empty_url) == migrate.head()


def test_failed_upgrade_leaves_nothing_behind(empty_url: str) -> None:
    engine = create_studio_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE job_outputs (id INTEGER)"))
    engine.dispose()
    with pytest.raises(DBAPIError, match="already exists"):
        migrate.upgrade(empty_url)
    assert tables(empty_url) == {"job_outputs"}
    assert migrate.current(empty_url) is None


def test_table_rebuilt_by_a_migration_keeps_the_rows_that_point_to_it(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    database = Database(empty_url)
    with database.write() as session:
        make_job(session, make_user(session))
    with migrate.exclusive_connection(database.url) as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("jobs", recreate="auto") as batch:
            batch.alter_column("title", type_=String(300), existing_type=String(255))
    with database.engine.connect() as connection:
        files = connection.execute(text("SELECT count(*) FROM job_inputs")).scalar_one()
        jobs = connection.execute(text("SELECT count(*) FROM jobs")).scalar_one()
    database.engine.dispose()
    assert (jobs, files) == (1, 1)


def test_migration_that_leaves_rows_pointing_nowhere_is_rolled_back(
    sqlite_database: Database,
) -> None:
    def lose_the_people() -> None:
        with migrate.exclusive_connection(sqlite_database.url) as connection:
            connection.execute(text("DELETE FROM users"))

    with sqlite_database.write() as session:
        make_job(session, make_user(session))
    with pytest.raises(MigrationError, match="rows in jobs that"):
        lose_the_people()
    with sqlite_database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users")).scalar_one() == 1
