"""The queue as rows: fair claims, leases, and every transition of a job.

Each public method is one whole unit of work; the caller opens and commits it with
``Database.write()``. Every move goes through ``_move``, which checks the transition table
and keeps the owner's counters in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.models import Job, JobInput, JobOutput
from db.repositories.clock import instant
from db.repositories.fair_shares import FairShareRepository
from db.repositories.jobs import JobRepository, NewJob
from db.states import JobState, require_transition
from db.types import Lane

RECONCILE_BATCH = 200
"""Expired leases handled in one transaction."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """A stored file that a job reads or has made, in its role."""

    role: str
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A running job as its worker holds it: ``attempt`` and ``worker`` fence every write."""

    job_id: UUID
    owner_id: UUID
    lane: Lane
    attempt: int
    worker: str
    tool: str
    params: dict[str, Any]
    files: tuple[JobFile, ...]

    @property
    def is_held(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions that a row meets as long as nobody else has taken the job over."""
        return (Job.id == self.job_id, Job.attempt == self.attempt, Job.worker == self.worker)


class Beat(StrEnum):
    """What a heartbeat learns."""

    HELD = "held"
    CANCEL = "cancel"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of the jobs whose lease had run out."""

    requeued: int = 0
    failed: int = 0
    cancelled: int = 0


class QueueRepository:
    """Moves jobs through their states."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shares = FairShareRepository(session)

    def enqueue(self, new_jobs: Sequence[NewJob]) -> list[UUID]:
        """Add queued jobs of one owner, with their inputs, and count them."""
        for lane, count in sorted(Counter(new.lane for new in new_jobs).items()):
            self._shares.add_queued(new_jobs[0].owner_id, lane, count)
        jobs = JobRepository(self._session)
        return [jobs.add(new).id for new in new_jobs]

    def cancel(self, job_id: UUID) -> JobState | None:
        """Cancel a queued job, or ask the worker of a running one to stop.

        Returns CANCELLED, RUNNING when the request is on record, or None when the job
        had already ended.
        """
        job = self._session.execute(
            select(Job.owner_id, Job.lane).where(Job.id == job_id)
        ).one_or_none()
        if job is None:
            return None
        self._shares.lock(job.owner_id, job.lane)
        ended = {"finished_at": instant(self._session)}
        if self._move((Job.id == job_id,), JobState.QUEUED, JobState.CANCELLED, ended):
            return JobState.CANCELLED
        asked = self._session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == JobState.RUNNING)
            .values(cancel_requested=True)
            .returning(Job.id)
        ).one_or_none()
        return JobState.RUNNING if asked else None

    def claim(self, lane: Lane, worker: str, *, lease_s: float) -> Claim | None:
        """Start the fairest queued job of ``lane``, or None when there is none.

        Among users with queued work the one with the fewest running jobs goes next, then
        the least recently served; within a user priority decides, then age.
        """
        while owner_id := self._shares.lock_fairest(lane):
            claim = self._claim_of(owner_id, lane, worker, lease_s)
            if claim is not None:
                return claim
            self._shares.recount(owner_id, lane)  # it promised work that is not there
        return None

    def heartbeat(self, claim: Claim, *, progress: float, stage: str, lease_s: float) -> Beat:
        """Renew the lease, write progress (0 to 1), and learn whether to go on."""
        row = self._session.execute(
            update(Job)
            .where(*claim.is_held, Job.state == JobState.RUNNING)
            .values(
                progress=progress, stage=stage, lease_expires_at=instant(self._session, lease_s)
            )
            .returning(Job.cancel_requested)
        ).one_or_none()
        if row is None:
            return Beat.LOST
        return Beat.CANCEL if row.cancel_requested else Beat.HELD

    def finish(self, claim: Claim, outputs: Sequence[JobFile], record: dict[str, Any]) -> bool:
        """Succeed with ``outputs``, whose blobs are stored; False when the lease was lost."""
        values = {"record": record, "progress": 1.0}
        if not self._leave(claim, JobState.SUCCEEDED, values):
            return False
        rows = [
            {
                "job_id": claim.job_id,
                "role": output.role,
                "position": position,
                "blob_sha256": output.sha256,
                "file_name": output.file_name,
            }
            for position, output in enumerate(outputs)
        ]
        self._session.execute(insert(JobOutput), rows)
        return True

    def fail(
        self, claim: Claim, *, code: str, message: str, regions: Sequence[dict[str, Any]] = ()
    ) -> bool:
        """Fail for a reason of the job's own; False when the lease was lost.

        ``regions`` are the parts of the main picture that the reason speaks of, as JSON.
        """
        return self._leave(
            claim, JobState.FAILED, _error(code, message) | {"error_regions": list(regions)}
        )

    def stop(self, claim: Claim) -> bool:
        """Carry out a requested cancel; False when none was, or the lease was lost."""
        return self._leave(claim, JobState.CANCELLED, {}, Job.cancel_requested.is_(True))

    def release(
        self, claim: Claim, *, code: str, message: str, max_attempts: int
    ) -> JobState | None:
        """Give the job back after a passing fault, or fail it when its attempts are spent.

        Returns the state it went to, None when the lease was lost.
        """
        self._shares.lock(claim.owner_id, claim.lane)
        return self._give_back(claim.is_held, max_attempts, _error(code, message))

    def reconcile(self, *, max_attempts: int) -> Reconciled:
        """Take back jobs whose worker has been silent for a whole lease. Idempotent."""
        outcome: Counter[JobState | None] = Counter()
        for job_id, owner_id, lane, attempt in self._expired():
            self._shares.lock(owner_id, lane)
            still_expired = (
                Job.id == job_id,
                Job.attempt == attempt,
                Job.lease_expires_at < instant(self._session),
            )
            outcome[self._give_back(still_expired, max_attempts, _worker_lost(attempt))] += 1
        return Reconciled(
            requeued=outcome[JobState.QUEUED],
            failed=outcome[JobState.FAILED],
            cancelled=outcome[JobState.CANCELLED],
        )

    def position(self, job_id: UUID) -> int | None:
        """1 for the queued job that starts next, and so on; None when it is not queued.

        Follows the claim order. Exact for one worker while nobody submits or cancels, an
        estimate otherwise.
        """
        job = self._session.execute(
            select(Job.owner_id, Job.lane, Job.priority).where(
                Job.id == job_id, Job.state == JobState.QUEUED
            )
        ).one_or_none()
        if job is None:
            return None
        ahead = or_(
            Job.priority > job.priority, and_(Job.priority == job.priority, Job.id <= job_id)
        )
        own_turn = self._session.scalars(
            select(func.count())
            .select_from(Job)
            .where(
                Job.lane == job.lane,
                Job.owner_id == job.owner_id,
                Job.state == JobState.QUEUED,
                ahead,
            )
        ).one()
        return own_turn + self._shares.turns_before(job.owner_id, job.lane, own_turn)

    def _claim_of(self, owner_id: UUID, lane: Lane, worker: str, lease_s: float) -> Claim | None:
        """Claim the owner's next job; with his share locked nobody else moves any of them."""
        job = self._session.execute(
            select(Job.id, Job.attempt, Job.tool, Job.params)
            .where(Job.lane == lane, Job.owner_id == owner_id, Job.state == JobState.QUEUED)
            .order_by(Job.priority.desc(), Job.id)
            .limit(1)
        ).one_or_none()
        if job is None:
            return None
        attempt = job.attempt + 1
        values = {
            "attempt": attempt,
            "worker": worker,
            "lease_expires_at": instant(self._session, lease_s),
            "started_at": instant(self._session),
            "progress": 0.0,
            "stage": "",
        }
        conditions = (Job.id == job.id, Job.attempt == job.attempt)
        if not self._move(conditions, JobState.QUEUED, JobState.RUNNING, values):
            return None
        files = self._input_files(job.id)
        return Claim(job.id, owner_id, lane, attempt, worker, job.tool, job.params, files)

    def _input_files(self, job_id: UUID) -> tuple[JobFile, ...]:
        rows = self._session.execute(
            select(JobInput.role, JobInput.file_name, JobInput.blob_sha256)
            .where(JobInput.job_id == job_id)
            .order_by(JobInput.position, JobInput.role)
        )
        return tuple(JobFile(role, file_name, sha256) for role, file_name, sha256 in rows)

    def _expired(self) -> Sequence[Row[UUID, UUID, Lane, int]]:
        """Candidates only: read before their locks, so each is looked at again."""
        return self._session.execute(
            select(Job.id, Job.owner_id, Job.lane, Job.attempt)
            .where(Job.state == JobState.RUNNING, Job.lease_expires_at < instant(self._session))
            .order_by(Job.owner_id, Job.lane, Job.id)
            .limit(RECONCILE_BATCH)
        ).all()

    def _leave(
        self,
        claim: Claim,
        target: JobState,
        values: dict[str, Any],
        *conditions: ColumnElement[bool],
    ) -> bool:
        """Move a job that ``claim`` still holds, and that meets ``conditions``, out of running."""
        self._shares.lock(claim.owner_id, claim.lane)
        values = self._ending(target) | values
        return self._move((*claim.is_held, *conditions), JobState.RUNNING, target, values)

    def _give_back(
        self,
        conditions: tuple[ColumnElement[bool], ...],
        max_attempts: int,
        spent: dict[str, Any],
    ) -> JobState | None:
        """Requeue a running job; cancel it if that was asked, fail it if attempts are spent.

        The caller holds the owner's share, so no cancel can be asked for meanwhile.
        Returns the state it went to, None when no running job meets ``conditions``.
        """
        job = self._session.execute(
            select(Job.attempt, Job.cancel_requested).where(
                *conditions, Job.state == JobState.RUNNING
            )
        ).one_or_none()
        if job is None:
            return None
        target, reason = JobState.QUEUED, {}
        if job.cancel_requested:
            target = JobState.CANCELLED
        elif job.attempt >= max_attempts:
            target, reason = JobState.FAILED, spent
        values = self._ending(target) | reason
        return target if self._move(conditions, JobState.RUNNING, target, values) else None

    def _ending(self, target: JobState) -> dict[str, Any]:
        """What a job that stops running leaves behind."""
        values: dict[str, Any] = {"worker": None, "lease_expires_at": None, "stage": ""}
        if target is JobState.QUEUED:
            return values | {"progress": 0.0, "started_at": None}
        return values | {"finished_at": instant(self._session)}

    def _move(
        self,
        conditions: tuple[ColumnElement[bool], ...],
        source: JobState,
        target: JobState,
        values: dict[str, Any],
    ) -> bool:
        """The one conditional UPDATE; False when no row met ``conditions``.

        The caller holds the share of the job's owner.
        """
        require_transition(source, target)
        moved = self._session.execute(
            update(Job)
            .where(*conditions, Job.state == source)
            .values(state=target, **values)
            .returning(Job.owner_id, Job.lane)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if moved is None:
            return False
        self._shares.count_move(moved.owner_id, moved.lane, source, target)
        return True


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error_code": code, "error_message": message}


def _worker_lost(attempts: int) -> dict[str, Any]:
    return _error(
        "worker.lost",
        f"The worker was lost {attempts} times while it ran this job. "
        "The job may need more memory than the machine has.",
    )
