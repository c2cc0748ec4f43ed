"""One queue, as tests of it put jobs in and take them out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from db.models import FairShare, Job, User
from db.repositories.queue import Beat, Claim, JobFile, QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep, Reconciled
from db.session import Database
from db.states import JobState
from db.types import Lane, utc_now
from studio.words import msg
from tests.factories import make_blob, make_new_job, make_record, make_user
from tests.rows import AWAY

LEASE_S = 30.0


def enqueue(
    database: Database, owner: User, count: int = 1, *, lane: Lane = Lane.GPU, priority: int = 0
) -> list[UUID]:
    with database.write() as session:
        blob = make_blob(session)
        new_jobs = [
            make_new_job(owner.id, blob.sha256, lane=lane, priority=priority) for _ in range(count)
        ]
        return QueueRepository(session).enqueue(new_jobs)


def add_user(database: Database) -> User:
    with database.write() as session:
        return make_user(session)


def claim(database: Database, lane: Lane = Lane.GPU, worker: str = "w") -> Claim | None:
    with database.write() as session:
        return QueueRepository(session).claim(lane, worker, lease_s=LEASE_S)


def must_claim(database: Database, worker: str = "w") -> Claim:
    claimed = claim(database, worker=worker)
    assert claimed is not None
    return claimed


def finish(database: Database, held: Claim) -> bool:
    with database.write() as session:
        outputs = [JobFile("image", "cat-upscaled.png", make_blob(session).sha256)]
        return QueueRepository(session).finish(held, outputs, make_record())


def beat(database: Database, held: Claim) -> Beat:
    with database.write() as session:
        return QueueRepository(session).heartbeat(held, progress=0.5, stage="run", lease_s=LEASE_S)


def cancel(database: Database, job_id: UUID) -> JobState | None:
    with database.write() as session:
        return QueueRepository(session).cancel(job_id)


def reconcile(database: Database, max_attempts: int = 3) -> Reconciled:
    with database.write() as session:
        return QueueUpkeep(session).reconcile(
            max_attempts=max_attempts, silent_at=utc_now(), lease_s=LEASE_S
        )


def expire(database: Database, job_id: UUID) -> None:
    with database.write() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=past))


def job_of(database: Database, job_id: UUID) -> Job:
    with database.read() as session:
        return session.get_one(Job, job_id)


def counters(database: Database, owner: User, lane: Lane = Lane.GPU) -> tuple[int, int]:
    with database.read() as session:
        share = session.get_one(FairShare, (owner.id, lane))
        return share.queued, share.running


def retry(database: Database, held: Claim, *, rest_s: float = 0.0) -> JobState | None:
    with database.write() as session:
        queue = QueueRepository(session)
        return queue.retry(held, code="memory", message=msg("Full."), rest_s=rest_s, max_attempts=2)


def postpone(database: Database, held: Claim, *, rest_s: float = 60.0) -> JobState | None:
    with database.write() as session:
        return QueueRepository(session).postpone(held, **AWAY, rest_s=rest_s)


def wake_rested(database: Database) -> int:
    with database.write() as session:
        return QueueUpkeep(session).wake_rested()


def set_not_before(database: Database, job_id: UUID, ahead: timedelta) -> None:
    with database.write() as session:
        moment = utc_now() + ahead
        session.execute(update(Job).where(Job.id == job_id).values(not_before=moment))


def stop(database: Database, held: Claim) -> bool:
    with database.write() as session:
        return QueueRepository(session).stop(held)


def fail(database: Database, held: Claim) -> bool:
    with database.write() as session:
        return QueueRepository(session).fail(held, code="x", message=msg("X."))
