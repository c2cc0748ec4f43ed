"""Jobs that need others, as tests of the record put them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import func, select

from db.models import FairShare, Job, User
from db.repositories.queue import Claim, JobFile, QueueRepository
from db.repositories.submissions import NewJob, NewNeed
from db.session import Database
from db.states import JobState
from db.types import Lane
from tests.factories import make_blob, make_new_job, make_record, make_user
from tests.rows import job_of

LEASE_S = 30.0


def add_user(database: Database) -> User:
    with database.write() as session:
        return make_user(session)


def new_job(database: Database, owner: User, **values: object) -> NewJob:
    """A job with one file, or with what ``values`` say."""
    with database.write() as session:
        blob = make_blob(session).sha256
    return make_new_job(owner.id, blob, **values)


def after(database: Database, owner: User, *needed: NewJob, **values: object) -> NewJob:
    """A job that takes the image of each of ``needed``."""
    needs = [
        NewNeed(job_id=job.id, output_role="image", role="image", position=position)
        for position, job in enumerate(needed)
    ]
    return new_job(database, owner, inputs=[], needs=needs, title="later.png", **values)


def enqueue(database: Database, *new_jobs: NewJob) -> list[UUID]:
    with database.write() as session:
        return QueueRepository(session).enqueue(new_jobs)


def claim(database: Database, lane: Lane = Lane.CPU) -> Claim | None:
    with database.write() as session:
        return QueueRepository(session).claim(lane, "w", lease_s=LEASE_S)


def must_claim(database: Database, job: NewJob) -> Claim:
    claimed = claim(database, job.lane)
    assert claimed is not None
    assert claimed.job_id == job.id
    return claimed


def finish(database: Database, held: Claim, roles: Sequence[str] = ("image",)) -> list[str]:
    with database.write() as session:
        files = [
            JobFile(role, f"{role}-{held.job_id.hex}.png", make_blob(session).sha256)
            for role in roles
        ]
        assert QueueRepository(session).finish(held, files, make_record())
    return [file.sha256 for file in files]


def run(database: Database, job: NewJob, roles: Sequence[str] = ("image",)) -> list[str]:
    return finish(database, must_claim(database, job), roles)


def cancel(database: Database, job: NewJob) -> JobState | None:
    with database.write() as session:
        return QueueRepository(session).cancel(job.id)


def states(database: Database, *jobs: NewJob) -> list[JobState]:
    return [job_of(database, job.id).state for job in jobs]


def assert_counters_true(database: Database) -> None:
    with database.read() as session:
        for share in session.scalars(select(FairShare)):
            for state, counted in (
                (JobState.QUEUED, share.queued),
                (JobState.RUNNING, share.running),
            ):
                there = select(func.count()).where(
                    Job.owner_id == share.user_id, Job.lane == share.lane, Job.state == state
                )
                assert session.scalar(there) == counted


def served(database: Database, owner: User, parts: int) -> tuple[list[NewJob], NewJob]:
    """A run and its steps, queued."""
    steps = [new_job(database, owner) for _ in range(parts)]
    final = after(database, owner, *steps)
    steps = [replace(step, serves_id=final.id) for step in steps]
    enqueue(database, *steps, final)
    return steps, final
