from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import func, select, text

from db.models import Blob, Drawing
from db.repositories.blobs import BlobRepository
from db.repositories.keeping import KeepingRepository
from db.session import Database
from db.types import utc_now
from tests.factories import make_actor, make_blob, make_job

LONG_AGO = utc_now() - timedelta(days=9)
LATELY = utc_now() - timedelta(days=1)


def test_ensure_twice_keeps_one_row_and_makes_it_young(database: Database) -> None:
    with database.write() as session:
        old = make_blob(session, created_at=LONG_AGO)
        again = BlobRepository(session).ensure(
            old.sha256, size_bytes=old.size_bytes, media_type="image/webp", width_px=1, height_px=1
        )
        assert again is old
        assert again.created_at > LATELY
        assert again.media_type == "image/png"
        assert session.scalar(select(func.count()).select_from(Blob)) == 1


def test_ensure_from_many_threads_makes_one_row(database: Database) -> None:
    def ensure(_: int) -> str:
        with database.write() as session:
            blobs = BlobRepository(session)
            return blobs.ensure("a" * 64, size_bytes=3, media_type="image/png").sha256

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ensure, range(12))) == {"a" * 64}
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Blob)) == 1


def test_known_tells_rows_from_orphans(database: Database) -> None:
    with database.write() as session:
        blob = make_blob(session)
        assert BlobRepository(session).known([blob.sha256, "f" * 64]) == {blob.sha256}


def test_readable_by_takes_runs_in_ones_own_trash_too(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session), make_actor(session)
        image = make_blob(session)
        make_job(session, ann, image=image, deleted_at=utc_now())
        assert BlobRepository(session).readable_by(ann, image.sha256) is image
        assert BlobRepository(session).readable_by(bob, image.sha256) is None


def test_blob_that_no_run_uses_is_readable_by_nobody(database: Database) -> None:
    with database.write() as session:
        blob = make_blob(session)
        assert BlobRepository(session).readable_by(make_actor(session), blob.sha256) is None


def test_unreferenced_are_old_blobs_that_nothing_needs(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        used, made, drawn, unused = (make_blob(session, created_at=LONG_AGO) for _ in range(4))
        make_blob(session)
        make_job(session, actor, image=used, outputs={"image": made})
        drawing = Drawing(owner_id=actor.id, blob_sha256=drawn.sha256, canvas="{}")
        drawing.canvas_width_px = drawing.canvas_height_px = 1
        session.add(drawing)
        session.flush()
        blobs = BlobRepository(session)
        assert blobs.unreferenced(LATELY) == [unused.sha256]
        assert blobs.unreferenced(LATELY, limit=0) == []


def test_unreferenced_goes_on_after_the_last_that_was_looked_at(database: Database) -> None:
    with database.write() as session:
        digests = sorted(make_blob(session, created_at=LONG_AGO).sha256 for _ in range(5))
        blobs = BlobRepository(session)
        assert blobs.unreferenced(LATELY, limit=2) == digests[:2]
        assert blobs.unreferenced(LATELY, after=digests[1], limit=2) == digests[2:4]
        assert blobs.unreferenced(LATELY, after=digests[4]) == []


def test_forget_leaves_what_somebody_is_about_to_name(postgres_database: Database) -> None:
    with postgres_database.write() as session:
        sha256 = make_blob(session, created_at=LONG_AGO).sha256
        actor = make_actor(session)
    with postgres_database.write() as naming:
        assert BlobRepository(naming).hold([sha256, "f" * 64]) == {sha256}
        with postgres_database.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert BlobRepository(session).forget([sha256], LATELY) == []
        make_job(naming, actor, image=naming.get_one(Blob, sha256))
    with postgres_database.write() as session:
        assert BlobRepository(session).forget([sha256], LATELY) == []


def test_forget_deletes_only_what_is_still_unreferenced_and_old(database: Database) -> None:
    with database.write() as session:
        actor = make_actor(session)
        stays, goes, young = (make_blob(session, created_at=LONG_AGO) for _ in range(3))
        blobs = BlobRepository(session)
        found = blobs.unreferenced(LATELY)
        assert len(found) == 3
        make_job(session, actor, image=stays)
        blobs.ensure(young.sha256, size_bytes=1, media_type="image/png")
        goes_sha256 = goes.sha256
        assert blobs.forget(found, LATELY) == [goes_sha256]
        assert blobs.known(found) == {stays.sha256, young.sha256}


def test_purged_run_sets_its_files_free_unless_another_run_needs_them(
    database: Database,
) -> None:
    with database.write() as session:
        actor = make_actor(session)
        shared, result = (make_blob(session, created_at=LONG_AGO) for _ in range(2))
        make_job(session, actor, image=shared, outputs={"image": result}, deleted_at=LONG_AGO)
        make_job(session, actor, image=shared)
        assert BlobRepository(session).unreferenced(LATELY) == []
        KeepingRepository(session).purge_trash(LATELY, most_runs=10)
        assert BlobRepository(session).unreferenced(LATELY) == [result.sha256]
