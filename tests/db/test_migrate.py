from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, String, inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError

from db import migrate
from db.errors import DatabaseAwayError, MigrationError
from db.models import Base, Job, JobInput, User
from db.session import Database, create_studio_engine
from studio.words import msg, verbatim
from tests.databases import POSTGRES_URL, postgres_url, require_postgres
from tests.factories import make_blob, make_job, make_user

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    require_postgres()
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


def differences(connection: Connection) -> list[Any]:
    """What a migration would have to change to give this database the schema of the models."""
    mine = {"include_object": migrate.belongs_on(connection.dialect.name)}
    context = MigrationContext.configure(connection, opts=mine)
    found: list[Any] = compare_metadata(context, Base.metadata)
    return found


def test_migrated_schema_is_that_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        assert differences(connection) == []


def test_schema_check_sees_a_missing_index(database: Database) -> None:
    with database.engine.connect() as connection:  # never commits
        connection.execute(text("DROP INDEX ix_jobs_history"))
        [(what, index)] = differences(connection)
    assert (what, index.name) == ("add_index", "ix_jobs_history")


def test_search_by_trigrams_is_indexed_on_postgresql_alone(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = create_studio_engine(empty_url)
    names = {index["name"] for index in inspect(engine).get_indexes("jobs")}
    assert ("ix_jobs_search_trigrams" in names) == (engine.dialect.name == "postgresql")
    engine.dispose()


def test_upgrade_where_no_extension_may_be_made_goes_on_without_its_index(
    postgres_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"studio_poor_{uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(name)))
    try:
        with postgres_url() as url:
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute(SQL("GRANT ALL ON SCHEMA public TO {}").format(Identifier(name)))
            poor = make_url(url).set(username=name).render_as_string(hide_password=False)
            migrate.upgrade(poor)
            engine = create_studio_engine(poor)
            names = {index["name"] for index in inspect(engine).get_indexes("jobs")}
            engine.dispose()
    finally:
        with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
            server.execute(SQL("DROP ROLE {}").format(Identifier(name)))
    assert "ix_jobs_history" in names
    assert "ix_jobs_search_trigrams" not in names
    assert "without pg_trgm" in caplog.text


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


def test_upgrade_tells_the_main_role_of_old_runs_by_their_first_file(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    database = Database(empty_url)
    with database.write() as session:
        owner = make_user(session)
        roles = {make_job(session, owner, main_role=role).id: role for role in ("image", "photo")}
    migrate.downgrade(empty_url, "e6a2f10c94d8")
    migrate.upgrade(empty_url)
    with database.read() as session:
        assert {job_id: session.get_one(Job, job_id).main_role for job_id in roles} == roles
    database.engine.dispose()


def test_upgrade_tells_which_inputs_of_old_runs_others_had_made(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    database = Database(empty_url)
    with database.write() as session:
        owner, made, given = make_user(session), make_blob(session), make_blob(session)
        make_job(session, owner, outputs={"alpha": made})
        job = make_job(session, owner, image=made)
        for position, blob in enumerate((made, given)):
            file = {"role": "alpha", "position": position, "blob_sha256": blob.sha256}
            session.add(JobInput(job_id=job.id, file_name="a.png", **file))
        of_job = select(JobInput.role, JobInput.position, JobInput.is_taken_over).where(
            JobInput.job_id == job.id
        )
    migrate.downgrade(empty_url, "7e1b5d92c4a8")
    migrate.upgrade(empty_url)
    with database.read() as session:
        found = {(role, position): taken for role, position, taken in session.execute(of_job)}
    database.engine.dispose()
    assert found == {("image", 0): False, ("alpha", 0): True, ("alpha", 1): False}


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


OLD_SENTENCE = '{braces}.png: It is "empty" {n}. Save it again.'


def test_error_sentences_of_older_releases_say_what_they_said(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    database = Database(empty_url)
    value = msg("{file}: It is empty.", file="new.png")
    with database.write() as session:
        user = make_user(session)
        old = make_job(session, user, error_message=verbatim(OLD_SENTENCE)).id
        new = make_job(session, user, error_message=value).id
        none = make_job(session, user).id

    migrate.downgrade(empty_url, "e6a2f10c94d8")
    with database.engine.connect() as connection:
        texts = connection.execute(text("SELECT error_message FROM jobs ORDER BY id")).scalars()
        assert list(texts) == [OLD_SENTENCE, "new.png: It is empty.", None]
    database.engine.dispose()

    migrate.upgrade(empty_url)
    with database.read() as session:
        kept = {job.id: job.error_message for job in session.scalars(select(Job))}
    database.engine.dispose()
    assert kept == {
        old: verbatim(OLD_SENTENCE),
        new: verbatim("new.png: It is empty."),
        none: None,
    }


def test_names_of_older_releases_are_those_that_sign_in_asks_for(
    empty_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    stored = {"ann": "ann", "ϋ\u0300": "\u1fe2", "i\u0301": "\u00ed-2", "\u00ed": "\u00ed"}
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "a07d3be5196c")
    database = Database(empty_url)
    with database.write() as session:
        ids = {make_user(session, name).id: name for name in stored}
    migrate.upgrade(empty_url)
    with database.read() as session:
        kept = {ids[user.id]: user.name for user in session.scalars(select(User))}
    database.engine.dispose()
    assert kept == stored
    assert "“\u00ed-2” now, as “\u00ed” is taken" in caplog.text


def test_database_that_is_away_is_told_in_a_sentence() -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"postgresql://127.0.0.1:{probe.getsockname()[1]}/studio"
    for ask in (migrate.current, migrate.upgrade, lambda url: migrate.downgrade(url, "base")):
        with pytest.raises(DatabaseAwayError, match="cannot be reached"):
            ask(url)


def test_language_that_nobody_chose_is_the_browsers(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    database = Database(empty_url)
    with database.write() as session:
        make_job(session, make_user(session))

    migrate.downgrade(empty_url, "e6a1c3f58b20")
    with database.engine.connect() as connection:
        before = connection.execute(text("SELECT locale FROM users")).scalar_one()
    database.engine.dispose()
    migrate.upgrade(empty_url)
    with database.read() as session:
        after = session.scalars(select(User.locale)).one()
    database.engine.dispose()

    assert (before, after) == ("en", None)
