from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from db.actor import Actor
from db.errors import DatabaseAwayError
from db.repositories.blobs import BlobRepository
from db.repositories.page_memory import PageMemoryRepository
from db.session import Database
from db.types import Role, new_id, utc_now
from tests.factories import make_actor, make_blob


def test_page_memory_is_the_persons_alone_and_the_last_one_counts(database: Database) -> None:
    with database.write() as session:
        ann, admin = make_actor(session), make_actor(session, role=Role.ADMIN)
        memory, run_id = PageMemoryRepository(session), new_id()
        for quality in (80, 70):
            memory.keep_options(
                ann, "cutout", {"quality": quality}, 1, from_id=run_id, is_private=True
            )
        assert memory.options(admin, "cutout") is None
        assert memory.options(ann, "upscale") is None
        kept = memory.options(ann, "cutout")
        assert kept is not None
        assert (kept.params, kept.from_id, kept.is_private) == ({"quality": 70}, run_id, True)


def test_page_memory_tray_holds_its_pictures_for_its_owner(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session), make_actor(session)
        memory, blobs = PageMemoryRepository(session), BlobRepository(session)
        one, other = make_blob(session), make_blob(session)
        memory.keep_tray(ann, "cutout", [(other.sha256, "b.png"), (one.sha256, "a.png")])
        assert [file.file_name for file in memory.tray(ann, "cutout")] == ["b.png", "a.png"]
        assert memory.tray(bob, "cutout") == []
        assert blobs.unreferenced(utc_now()) == []
        assert blobs.readable_by(ann, one.sha256) is not None
        assert blobs.readable_by(bob, one.sha256) is None
        memory.keep_tray(ann, "cutout", [(one.sha256, "a.png"), ("0" * 64, "gone.png")])
        assert [file.file_name for file in memory.tray(ann, "cutout")] == ["a.png"]
        assert blobs.unreferenced(utc_now()) == [other.sha256]


def test_page_memory_lets_go_of_old_pictures_but_not_of_their_names(database: Database) -> None:
    with database.write() as session:
        ann = make_actor(session)
        memory, blob = PageMemoryRepository(session), make_blob(session)
        memory.keep_tray(ann, "cutout", [(blob.sha256, "a.png")])
        assert memory.release_trays(utc_now() - timedelta(days=1), limit=10) == 0
        assert memory.release_trays(utc_now() + timedelta(days=1), limit=10) == 1
        [file] = memory.tray(ann, "cutout")
        assert (file.file_name, file.blob) == ("a.png", None)
        assert BlobRepository(session).unreferenced(utc_now()) == [blob.sha256]


def keep_without_waiting(database: Database, actor: Actor, tray: str, sha256: str) -> None:
    with database.write() as session:
        session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        PageMemoryRepository(session).keep_tray(actor, tray, [(sha256, "b.png")])


def test_page_memory_tray_kept_twice_at_once_holds_one_of_both_and_no_union(
    postgres_database: Database,
) -> None:
    with postgres_database.write() as session:
        ann = make_actor(session)
        one, other = make_blob(session).sha256, make_blob(session).sha256
    with postgres_database.write() as first:
        PageMemoryRepository(first).keep_tray(ann, "cutout", [(one, "a.png")])
        with pytest.raises(DatabaseAwayError):
            keep_without_waiting(postgres_database, ann, "cutout", other)
        keep_without_waiting(postgres_database, ann, "upscale", other)
    keep_without_waiting(postgres_database, ann, "cutout", other)
    with postgres_database.read() as session:
        tray = PageMemoryRepository(session).tray(ann, "cutout")
        assert [file.file_name for file in tray] == ["b.png"]
