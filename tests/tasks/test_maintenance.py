from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from db.models import Blob, Drawing, Job, SignInFailure, UserSession, Worker
from db.repositories.drawings import Canvas, DrawingRepository
from db.repositories.queue import QueueRepository, Reconciled
from db.repositories.workers import WorkerRepository
from db.states import JobState
from db.types import Lane, utc_now
from studio.params import UpscaleParams
from studio.storage import BlobStore
from tasks.files import keep
from tasks.maintenance import (
    drop_unused_files,
    forget_old_entries,
    forget_unused_drawings,
    purge_trash,
    reconcile,
    sweep_orphans,
    top_up,
)
from tasks.services import Services
from tasks.status import live_workers, slots
from tasks.submit import store_upload, submit
from tests.factories import make_actor, make_job, make_user
from tests.pictures import png

LONG_AGO = timedelta(days=40)


def submit_jobs(services: Services, count: int) -> list[UUID]:
    with services.database.write() as session:
        actor = make_actor(session)
    item = {"image": store_upload(services, "cat.png", png())}
    params = UpscaleParams(model="interpolation")
    job_ids = submit(services, actor, "upscale", params, [item] * count)
    for token in (services.settings.data_dir / "broker").iterdir():
        token.unlink()
    return job_ids


def report_for_duty(services: Services, name: str, lanes: list[Lane], children: int) -> None:
    with services.database.write() as session:
        WorkerRepository(session).report(name, lanes, children, started_at=utc_now())


def test_top_up_sends_as_many_tokens_as_can_be_used(services: Services) -> None:
    submit_jobs(services, 3)
    assert top_up(services) == {}  # nobody is there to take any
    report_for_duty(services, "light@a", [Lane.CPU, Lane.MAINTENANCE], 2)
    report_for_duty(services, "gpu@a", [Lane.GPU], 4)
    assert top_up(services) == {Lane.CPU: 2}
    report_for_duty(services, "light@b", [Lane.CPU], 5)
    assert top_up(services) == {Lane.CPU: 3}
    assert len(list((services.settings.data_dir / "broker").iterdir())) == 5


def test_live_workers_silent_one_is_not_counted(services: Services) -> None:
    report_for_duty(services, "light@a", [Lane.CPU], 2)
    report_for_duty(services, "light@b", [Lane.CPU], 2)
    with services.database.write() as session:
        session.execute(
            update(Worker)
            .where(Worker.name == "light@a")
            .values(seen_at=utc_now() - timedelta(minutes=1))
        )
    assert [worker.name for worker in live_workers(services)] == ["light@b"]
    assert slots(services, Lane.CPU) == 2
    assert slots(services, Lane.GPU) == 0


def test_reconcile_twice_takes_back_once(services: Services) -> None:
    submit_jobs(services, 1)
    with services.database.write() as session:
        QueueRepository(session).claim(Lane.CPU, "gone", lease_s=-1)
    assert reconcile(services) == Reconciled(requeued=1)
    assert reconcile(services) == Reconciled()


def test_sweep_orphans_deletes_files_without_a_row_only(services: Services) -> None:
    known = store_upload(services, "cat.png", png()).sha256
    orphan = services.blobs.put(b"left by a killed worker")
    assert sweep_orphans(services) == 1
    assert (services.blobs.exists(known), services.blobs.exists(orphan)) == (True, False)
    assert sweep_orphans(services) == 0


def test_keep_file_swept_before_its_row_is_stored_again(services: Services) -> None:
    class SweptStore(BlobStore):
        """Loses its first file at the worst moment: stored, and not yet known."""

        puts = 0

        def put(self, data: bytes) -> str:
            sha256 = super().put(data)
            self.puts += 1
            if self.puts == 1:
                self.delete(sha256)
            return sha256

    swept = SweptStore(services.settings.resolved_storage_url)
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


def test_forget_old_entries_keeps_what_still_counts(services: Services) -> None:
    now = utc_now()
    with services.database.write() as session:
        user = make_user(session)
        for number, moment in enumerate((now - LONG_AGO, now + LONG_AGO)):
            token_hash = bytes([number]) * 32
            session.add(UserSession(user_id=user.id, token_hash=token_hash, expires_at=moment))
            session.add(SignInFailure(name="a", ip="b", at=min(moment, now)))
            session.add(Worker(name=f"w{number}", lanes=["cpu"], slots=1, seen_at=min(moment, now)))
    forget_old_entries(services)
    with services.database.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (UserSession, SignInFailure, Worker)
        ]
    assert counts == [1, 1, 1]


def test_forget_unused_drawings_lets_their_pictures_go(services: Services) -> None:
    empty = Canvas({"strokes": []}, 24, 16)
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
