from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from db.models import FairShare, Job
from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import Claim, QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep
from db.session import Database
from db.states import JobState
from db.types import Lane, utc_now
from studio.words import msg
from tests.factories import make_blob, make_new_job, make_user
from tests.rows import AWAY
from tests.servers import wait_until

pytestmark = pytest.mark.slow

PROCESSES = 4


def enqueue_for_users(database: Database, backlogs: list[int]) -> None:
    for backlog in backlogs:
        with database.write() as session:
            owner, blob = make_user(session), make_blob(session)
            new_jobs = [make_new_job(owner.id, blob.sha256, lane=Lane.GPU) for _ in range(backlog)]
            QueueRepository(session).enqueue(new_jobs)


def test_claim_four_processes_take_every_job_once(database: Database) -> None:
    backlogs = [5 * (index + 1) for index in range(10)]
    enqueue_for_users(database, backlogs)
    claimers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.claimers", database.url, f"claimer-{index}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(PROCESSES)
    ]
    for claimer in claimers:
        assert claimer.stdout is not None
        assert claimer.stdout.readline() == "ready\n"
    for claimer in claimers:  # one after the other would let the first take all
        assert claimer.stdin is not None
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    taken = [claimer.communicate(timeout=120)[0].split() for claimer in claimers]
    assert [claimer.returncode for claimer in claimers] == [0] * PROCESSES
    assert sum(bool(job_ids) for job_ids in taken) > 1
    every = [job_id for job_ids in taken for job_id in job_ids]
    assert len(every) == len(set(every)) == sum(backlogs)
    with database.read() as session:
        queued, running = session.execute(
            select(func.sum(FairShare.queued), func.sum(FairShare.running))
        ).one()
    assert (queued, running) == (0, sum(backlogs))


def cancel_all(database: Database) -> None:
    with database.read() as session:
        job_ids = session.scalars(select(Job.id).order_by(Job.id.desc())).all()
    for job_id in job_ids:
        with database.write() as session:
            QueueRepository(session).cancel(job_id)


def work_all(database: Database) -> None:
    while True:
        with database.write() as session:
            claim = QueueRepository(session).claim(Lane.GPU, "w", lease_s=60)
        if claim is None:
            return
        with database.write() as session:
            if claim.attempt == 1:
                QueueRepository(session).postpone(claim, **AWAY, rest_s=0.001)
            else:
                QueueRepository(session).fail(claim, code="x", message=msg("X."))


def maintain(database: Database) -> None:
    for _ in range(10):
        with database.write() as session:
            FairShareRepository(session).rebuild()
        with database.write() as session:
            QueueUpkeep(session).reconcile(max_attempts=3, silent_at=utc_now(), lease_s=60)
        with database.write() as session:
            QueueUpkeep(session).wake_rested()


def test_moves_of_one_user_from_many_threads_keep_the_counters(database: Database) -> None:
    """Cancel, claim, finish and rebuild meet on the same rows."""
    enqueue_for_users(database, [40])
    with ThreadPoolExecutor(max_workers=4) as threads:
        bodies = (cancel_all, work_all, work_all, maintain)
        for done in [threads.submit(body, database) for body in bodies]:
            done.result(timeout=60)
    with database.read() as session:
        [share] = session.scalars(select(FairShare)).all()
        states = set(session.scalars(select(Job.state)))
        resting = session.scalar(
            select(func.count()).select_from(Job).where(Job.not_before.is_not(None))
        )
    assert (share.queued, share.running) == (0, 0)
    assert states <= {JobState.CANCELLED, JobState.FAILED, JobState.QUEUED}
    assert resting or JobState.QUEUED not in states


def wait_until_somebody_waits_for_a_lock(database: Database) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def is_waiting() -> bool:
        with database.read() as session:
            return bool(session.scalar(waiting))

    wait_until(is_waiting, what="a second transaction to meet the lock")


def claim_one(database: Database) -> Claim | None:
    with database.write() as session:
        return QueueRepository(session).claim(Lane.GPU, "w", lease_s=60)


@pytest.mark.postgres
def test_claim_only_user_is_locked_waits_instead_of_finding_nothing(
    postgres_database: Database,
) -> None:
    enqueue_for_users(postgres_database, [1])
    with ThreadPoolExecutor(max_workers=1) as threads:
        with postgres_database.write() as session:
            owner_id = session.scalars(select(FairShare.user_id)).one()
            FairShareRepository(session).lock(owner_id)
            claimed = threads.submit(claim_one, postgres_database)
            wait_until_somebody_waits_for_a_lock(postgres_database)
        assert claimed.result(timeout=30) is not None


@pytest.mark.postgres
def test_cancel_during_a_claim_waits_its_turn_without_a_deadlock(
    postgres_database: Database,
) -> None:
    enqueue_for_users(postgres_database, [1])
    with ThreadPoolExecutor(max_workers=1) as threads:
        with postgres_database.write() as session:
            job = session.execute(select(Job.id, Job.owner_id)).one()
            FairShareRepository(session).lock(job.owner_id)
            cancelled = threads.submit(cancel_all, postgres_database)
            wait_until_somebody_waits_for_a_lock(postgres_database)
            claim = QueueRepository(session).claim(Lane.GPU, "w", lease_s=60)
        cancelled.result(timeout=30)
    assert claim is not None
    with postgres_database.read() as session:
        row = session.execute(select(Job.state, Job.cancel_requested)).one()
    assert (row.state, row.cancel_requested) == (JobState.RUNNING, True)


@pytest.mark.postgres
def test_cancel_waits_for_no_other_user(postgres_database: Database) -> None:
    enqueue_for_users(postgres_database, [1, 1])
    with postgres_database.read() as session:
        (_, other), (own_job, _) = session.execute(
            select(Job.id, Job.owner_id).order_by(Job.id)
        ).all()

    def cancel_own() -> JobState | None:
        with postgres_database.write() as session:
            return QueueRepository(session).cancel(own_job)

    with ThreadPoolExecutor(max_workers=1) as threads, postgres_database.write() as session:
        FairShareRepository(session).lock(other)
        cancelled = threads.submit(cancel_own)
        assert cancelled.result(timeout=20) is JobState.CANCELLED
