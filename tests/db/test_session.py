from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Timer
from time import sleep

import psycopg
import pytest
from sqlalchemy import event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from db import session
from db.errors import DatabaseAwayError, DatabaseFullError
from db.models import SignInFailure, User
from db.session import Database, create_studio_engine, normalise_url
from db.types import Role
from tests.factories import make_user
from tests.proxy import TcpProxy


@pytest.mark.parametrize(
    ("url", "normalised"),
    [
        ("postgres://ann:s3c@db/studio", "postgresql+psycopg://ann:s3c@db/studio"),
        ("postgresql://db/studio", "postgresql+psycopg://db/studio"),
        ("postgresql+psycopg://db/studio", "postgresql+psycopg://db/studio"),
        ("sqlite:////data/studio.db", "sqlite:////data/studio.db"),
    ],
)
def test_normalise_url_names_the_installed_driver(url: str, normalised: str) -> None:
    assert normalise_url(url) == normalised


def test_write_that_fails_leaves_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.write() as session:
            make_user(session, "ann")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way()
    with database.read() as session:
        assert session.scalar(select(User)) is None


def test_read_never_saves(database: Database) -> None:
    with database.read() as session:
        make_user(session, "ann")
    with database.read() as session:
        assert session.scalar(select(User)) is None


def test_sqlite_read_then_write_in_many_threads_loses_no_update(
    sqlite_database: Database,
) -> None:
    with sqlite_database.write() as session:
        make_user(session, "0")

    def count_up(_: int) -> None:
        with sqlite_database.write() as session:
            user = session.scalars(select(User)).one()
            user.name = str(int(user.name) + 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(40)))
    with sqlite_database.read() as session:
        assert session.scalars(select(User.name)).one() == "40"


def test_sqlite_writers_of_one_process_wait_for_each_other_and_not_for_pauses(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With no patience of SQLite's own, whoever asked it while another writes would be refused."""
    pragmas = [pragma for pragma in session._SQLITE_PRAGMAS if "busy_timeout" not in pragma]
    monkeypatch.setattr(session, "_SQLITE_PRAGMAS", [*pragmas, "busy_timeout=0"])

    def write(number: int) -> None:
        for _ in range(5):
            with sqlite_database.write() as unit:
                unit.add(SignInFailure(name=str(number), source="a"))
                unit.flush()
                sleep(0.002)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert "trying again" not in caplog.text


def test_sqlite_reader_does_not_wait_for_a_writer(sqlite_database: Database) -> None:
    with sqlite_database.write() as writer:
        make_user(writer, "ann")
        with sqlite_database.read() as reader:
            reader.execute(text("PRAGMA busy_timeout=0"))
            assert reader.scalar(select(User)) is None


def test_foreign_keys_are_enforced(database: Database) -> None:
    def add_orphan() -> None:
        with database.write() as session:
            session.execute(
                text(
                    "INSERT INTO fair_shares (user_id, lane, queued, running) "
                    "VALUES ('00000000000000000000000000000000', 'gpu', 0, 0)"
                )
            )

    with pytest.raises(IntegrityError):
        add_orphan()


def test_enumerations_are_stored_by_value_and_checked(database: Database) -> None:
    with database.write() as session:
        make_user(session, role=Role.VIEWER)
    with database.read() as session:
        assert session.execute(text("SELECT role FROM users")).scalar_one() == "viewer"
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text("UPDATE users SET role = 'king'"))


def test_timestamps_come_back_aware_and_equal(database: Database) -> None:
    with database.write() as session:
        session.add(failure := SignInFailure(name="ann", source="::1"))
        session.flush()
        written = failure.at
    with database.read() as session:
        read = session.scalars(select(SignInFailure.at)).one()
    assert read == written
    assert read.utcoffset() is not None


def cut(times: int) -> Callable[[Session], int]:
    """Work that the database cuts off so many times before it is done."""
    left = [times]

    def work(session: Session) -> int:
        make_user(session)
        if left[0]:
            left[0] -= 1
            raise OperationalError("INSERT", None, psycopg.OperationalError("server closed it"))
        return session.scalars(select(func.count()).select_from(User)).one()

    return work


def test_insist_is_done_once_after_the_cuts(database: Database) -> None:
    assert database.insist(cut(2)) == 1


def test_insist_gives_up_when_the_wait_is_over(database: Database) -> None:
    with pytest.raises(DatabaseAwayError) as caught:
        database.insist(cut(1000), wait_s=0.2)
    assert caught.value.code == "database.away"
    with database.read() as session:
        assert session.scalar(select(User)) is None


def test_write_whose_statement_is_wrong_is_no_outage(database: Database) -> None:
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(text("SELECT * FROM there_is_no_such_table"))


def test_write_to_a_server_that_stands_by_is_an_outage_and_logged(
    postgres_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def write_there() -> None:
        with postgres_database.write() as session:
            session.execute(text("SET TRANSACTION READ ONLY"))
            make_user(session)

    with pytest.raises(DatabaseAwayError):
        write_there()
    assert "in a read-only transaction" in caplog.text


def test_write_to_a_full_disk_names_the_disk(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        pages = session.scalars(text("PRAGMA page_count")).one()

    def fill(session: Session) -> None:
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        for number in range(2000):
            make_user(session, f"person with a long name {number}")

    with pytest.raises(DatabaseFullError, match="disk"):
        sqlite_database.insist(fill, wait_s=0)


@pytest.mark.slow
def test_write_while_a_server_restarts_waits_for_it(postgres_database: Database) -> None:
    address = make_url(postgres_database.url)
    assert address.host is not None
    proxy = TcpProxy(address.host, address.port or 5432)
    behind = Database(
        address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    )
    try:
        proxy.close()
        with pytest.raises(DatabaseAwayError), behind.write():
            pass
        Timer(0.5, proxy.restore).start()
        with behind.write() as session:
            make_user(session)
    finally:
        behind.engine.dispose()
        proxy.stop()


@pytest.mark.slow
def test_write_locked_sqlite_for_too_long_is_away(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_studio_engine(sqlite_database.url)
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=10"))
    other = Database(sqlite_database.url)
    monkeypatch.setattr(Database, "engine", engine)
    with engine.begin(), pytest.raises(DatabaseAwayError), other.write():
        pass
    engine.dispose()
