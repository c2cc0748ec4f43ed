from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from db.models import SignInFailure, User
from db.session import Database, normalise_url
from db.types import Role
from tests.factories import make_user


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
        session.add(failure := SignInFailure(name="ann", ip="::1"))
        session.flush()
        written = failure.at
    with database.read() as session:
        read = session.scalars(select(SignInFailure.at)).one()
    assert read == written
    assert read.utcoffset() is not None
