from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.models import Batch, Blob, Drawing, Job, SignInFailure, TrayFile, UserSession, Worker
from db.repositories.blobs import BlobRepository
from db.repositories.drawings import Canvas, DrawingRepository
from db.repositories.keeping import KeepingRepository
from db.repositories.submissions import SubmissionRepository
from db.session import Database
from db.states import JobState
from db.types import utc_now
from studio.storage import Staged
from studio.storage.folder import FolderStore
from tasks.files import keep
from tasks.maintenance import (
    drop_unused_files,
    empty_old_trays,
    forget_empty_batches,
    forget_old_entries,
    forget_unused_drawings,
    purge_trash,
    sweep_orphans,
)
from tasks.services import Services
from tasks.submit import store_upload
from tests.factories import make_actor, make_blob, make_job, make_user
from tests.pictures import png
from tests.requests import submit_jobs

LONG_AGO = timedelta(days=40)


def test_sweep_orphans_removes_what_killed_writers_of_tokens_left(services: Services) -> None:
    folder = services.settings.data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    old, young = folder / ".a.tmp", folder / ".b.tmp"
    untaken = folder / "1_a.studio.cpu.msg"
    for path in (old, young, untaken):
        path.write_bytes(b"{")
    past = (utc_now() - LONG_AGO).timestamp()
    for path in (old, untaken):
        os.utime(path, (past, past))
    sweep_orphans(services)
    assert list(folder.iterdir()) == [young]


def test_purge_trash_many_runs_go_in_small_transactions(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services.database.write() as session:
        owner, trashed = make_user(session), utc_now() - LONG_AGO
        for _ in range(5):
            make_job(session, owner, deleted_at=trashed)
    sizes = []
    purge = KeepingRepository.purge_trash

    def counted(self: KeepingRepository, before: datetime, *, most_runs: int) -> int:
        sizes.append(purge(self, before, most_runs=most_runs))
        return sizes[-1]

    monkeypatch.setattr(KeepingRepository, "purge_trash", counted)
    monkeypatch.setattr("tasks.maintenance.DELETE_BATCH", 2)
    assert purge_trash(services) == 5
    assert sizes == [2, 2, 1, 0]


def test_maintenance_forgets_what_nobody_needs_in_small_transactions(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = Canvas('{"strokes": []}', 24, 16)
    with services.database.write() as session:
        actor, old = make_actor(session), utc_now() - LONG_AGO
        drawings, submissions = DrawingRepository(session), SubmissionRepository(session)
        for _ in range(3):
            sha256 = make_blob(session).sha256
            drawings.open(actor, sha256, empty).updated_at = old
            tray = TrayFile(owner_id=actor.id, tray="cutout", position=0, file_name="cat.png")
            tray.blob_sha256, tray.kept_at = sha256, old
            session.add(tray)
            batch = submissions.add_batch(owner_id=actor.id, name="", tool="cutout", params={})
            batch.created_at = old
    writes, write = [], Database.write

    @contextmanager
    def counted(self: Database) -> Iterator[Session]:
        writes.append(1)
        with write(self) as session:
            yield session

    monkeypatch.setattr(Database, "write", counted)
    monkeypatch.setattr("tasks.maintenance.DELETE_BATCH", 2)
    for forget in (forget_empty_batches, forget_unused_drawings, empty_old_trays):
        writes.clear()
        assert forget(services) == 3
        assert len(writes) == 3  # two, one, and none


def test_sweep_orphans_deletes_files_without_a_row_only(services: Services) -> None:
    known = store_upload(services, "cat.png", png()).sha256
    orphan = services.blobs.put(b"left by a killed worker")
    assert sweep_orphans(services) == 1
    assert (services.blobs.exists(known), services.blobs.exists(orphan)) == (True, False)
    assert sweep_orphans(services) == 0


def test_sweep_orphans_spares_a_file_whose_row_comes_after_the_first_look(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.blobs.put(png())
    looks = []

    def known(self: BlobRepository, digests: Collection[str]) -> set[str]:
        looks.append(original(self, digests))
        if len(looks) == 1:
            store_upload(services, "cat.png", png())
        return looks[-1]

    original = BlobRepository.known
    monkeypatch.setattr(BlobRepository, "known", known)
    assert sweep_orphans(services) == 0
    assert [services.blobs.read(sha256) for sha256 in services.blobs.iter_digests()] == [png()]


def test_sweep_orphans_file_stored_while_it_is_deleted_stays(services: Services) -> None:
    class BusyStore(FolderStore):
        """Somebody stores the same file right before it is deleted."""

        def delete(self, digest: str) -> None:
            keeper.start()
            keeper.join(timeout=0.5)  # they wait for our transaction
            super().delete(digest)

    keeper = Thread(target=store_upload, args=(services, "cat.png", png()))
    sha256 = services.blobs.put(png())
    busy = BusyStore(services.settings.data_dir / "blobs")
    assert sweep_orphans(Services(services.settings, services.database, busy)) == 1
    keeper.join(timeout=20)
    assert services.blobs.read(sha256) == png()


def test_keep_file_swept_before_its_row_is_stored_again(services: Services) -> None:
    class SweptStore(FolderStore):
        """Loses its first file at the worst moment: stored, and not yet known."""

        puts = 0

        def take(self, staged: Staged) -> str:
            sha256 = super().take(staged)
            self.puts += 1
            if self.puts == 1:
                self.delete(sha256)
            return sha256

    swept = SweptStore(services.settings.data_dir / "blobs")
    unlucky = Services(services.settings, services.database, swept)
    stored = keep(unlucky, b"precious", file_name="a", media_type="image/png")
    assert services.blobs.read(stored.sha256) == b"precious"


def age_blobs(services: Services) -> None:
    with services.database.write() as session:
        session.execute(update(Blob).values(created_at=utc_now() - LONG_AGO))


def test_drop_unused_files_spares_the_young_and_the_used(services: Services) -> None:
    submit_jobs(services, 1)
    unused = store_upload(services, "dog.png", png(1)).sha256
    assert drop_unused_files(services) == 0
    age_blobs(services)
    young = store_upload(services, "cow.png", png(2)).sha256
    assert drop_unused_files(services) == 1
    assert not services.blobs.exists(unused)
    assert services.blobs.exists(young)
    assert len(list(services.blobs.iter_digests())) == 2
    with services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Blob)) == 2


def test_drop_unused_files_looks_for_them_while_others_may_write(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        store_upload(services, "cat.png", png(seed))
    age_blobs(services)
    looked_after, look = [], BlobRepository.unreferenced

    def unreferenced(
        self: BlobRepository, before: datetime, *, after: str = "", limit: int
    ) -> Sequence[str]:
        store_upload(services, "new.png", png(9))
        looked_after.append(after)
        return look(self, before, after=after, limit=limit)

    monkeypatch.setattr(BlobRepository, "unreferenced", unreferenced)
    monkeypatch.setattr("tasks.maintenance.DELETE_BATCH", 2)
    assert drop_unused_files(services) == 3
    assert looked_after == sorted(set(looked_after))
    assert len(looked_after) == 3


def test_drop_unused_files_old_upload_used_again_counts_as_young(services: Services) -> None:
    store_upload(services, "cat.png", png())
    age_blobs(services)
    store_upload(services, "cat.png", png())
    assert drop_unused_files(services) == 0


def test_purge_trash_deletes_what_lay_there_long_enough_with_its_files(
    services: Services,
) -> None:
    [job_id] = submit_jobs(services, 1)
    with services.database.write() as session:
        owner = make_user(session)
        recent = make_job(session, owner, deleted_at=utc_now()).id
        session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(state=JobState.CANCELLED, deleted_at=utc_now() - LONG_AGO)
        )
    assert purge_trash(services) == 1
    assert purge_trash(services) == 0
    age_blobs(services)
    drop_unused_files(services)
    assert list(services.blobs.iter_digests()) == []
    with services.database.read() as session:
        assert list(session.scalars(select(Job.id))) == [recent]


def test_forget_empty_batches_keeps_those_with_runs_and_new_ones(services: Services) -> None:
    submit_jobs(services, 2)
    with services.database.write() as session:
        owner = make_user(session)
        empty = SubmissionRepository(session).add_batch(
            owner_id=owner.id, name="", tool="cutout", params={}
        )
    assert forget_empty_batches(services) == 0
    with services.database.write() as session:
        session.execute(update(Batch).values(created_at=utc_now() - LONG_AGO))
    assert forget_empty_batches(services) == 1
    with services.database.read() as session:
        assert session.get(Batch, empty.id) is None
        assert session.scalar(select(func.count()).select_from(Batch)) == 1


def test_forget_old_entries_keeps_what_still_counts(services: Services) -> None:
    now = utc_now()
    with services.database.write() as session:
        user = make_user(session)
        for number, moment in enumerate((now - LONG_AGO, now + LONG_AGO)):
            token_hash = bytes([number]) * 32
            session.add(UserSession(user_id=user.id, token_hash=token_hash, expires_at=moment))
            session.add(SignInFailure(name="a", source="b", at=min(moment, now)))
            session.add(Worker(name=f"w{number}", lanes=["cpu"], slots=1, seen_at=min(moment, now)))
    forget_old_entries(services)
    with services.database.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (UserSession, SignInFailure, Worker)
        ]
    assert counts == [1, 1, 1]


def test_forget_unused_drawings_lets_their_pictures_go(services: Services) -> None:
    empty = Canvas('{"strokes": []}', 24, 16)
    files = [store_upload(services, "cat.png", png(seed)) for seed in range(2)]
    with services.database.write() as session:
        actor, drawings = make_actor(session), DrawingRepository(session)
        old, _ = (drawings.open(actor, file.sha256, empty) for file in files)
        old.updated_at = utc_now() - LONG_AGO
        session.execute(update(Blob).values(created_at=utc_now() - LONG_AGO))
    assert drop_unused_files(services) == 0
    assert forget_unused_drawings(services) == 1
    assert drop_unused_files(services) == 1
    with services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Drawing)) == 1
