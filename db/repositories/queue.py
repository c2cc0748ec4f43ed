"""The queue as rows: fair claims, leases, and what their holders and owners do to jobs.

Each public method is one whole unit of work; the caller opens and commits it with
``Database.write()``. Every move goes through ``Moves``, which checks the transition table
and keeps the owner's counters in the same transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.models import Job, JobInput, JobOutput
from db.repositories.clock import instant
from db.repositories.fair_shares import DUE, FairShareRepository
from db.repositories.moves import NO_ERROR, Moves, ending, error
from db.repositories.needs import NeedRepository
from db.repositories.submissions import NewJob, SubmissionRepository
from db.states import JobState
from db.types import Lane
from studio.words import Message

_CLAIMED = (
    Job.id,
    Job.owner_id,
    Job.lane,
    Job.attempt,
    Job.attempts_spent,
    Job.tool,
    Job.params,
    Job.params_version,
)


@dataclass(frozen=True, slots=True)
class JobFile:
    """A stored file that a job reads or has made, in its role."""

    role: str
    file_name: str
    sha256: str
    reuse_key: str | None = None
    """Of a file made, where later runs may take it over."""


class Kind(NamedTuple):
    """What decides how long a run takes, next to the size of its picture."""

    tool: str
    model: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Runs of a kind in one lane."""

    queued: int
    running: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A running job as its worker holds it: ``attempt`` and ``worker`` fence every write."""

    job_id: UUID
    owner_id: UUID
    lane: Lane
    attempt: int
    attempts_spent: int
    worker: str
    tool: str
    params: dict[str, Any]
    params_version: int
    files: tuple[JobFile, ...]

    @property
    def fence(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions that a row meets as long as nobody else has taken the job over."""
        return (Job.id == self.job_id, Job.attempt == self.attempt, Job.worker == self.worker)


class Beat(StrEnum):
    """What a heartbeat learns."""

    HELD = "held"
    CANCEL = "cancel"
    LOST = "lost"


class QueueRepository:
    """Moves jobs through their states."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shares = FairShareRepository(session)
        self._moves = Moves(session)
        self._needs = NeedRepository(session)

    def enqueue(self, new_jobs: Sequence[NewJob]) -> list[UUID]:
        """Add jobs of one owner, with their inputs; those with open needs wait, all others queue.

        Raises:
            NeedError: one of them cannot wait for what it names.

        """
        owner_id = new_jobs[0].owner_id
        ordered: Sequence[NewJob] = new_jobs
        if any(new.needs for new in new_jobs):
            self._shares.make_and_lock(owner_id)
            ordered = self._needs.resolve(owner_id, new_jobs)
        queued = Counter(new.lane for new in ordered if not new.needs)
        for lane, count in sorted(queued.items()):
            self._shares.add_queued(owner_id, lane, count)
        SubmissionRepository(self._session).add_all(ordered)
        self._needs.add(ordered)
        for batch_id in {new.batch.id for new in ordered if new.batch}:
            self._needs.hold(Job.batch_id == batch_id)
        return [new.id for new in new_jobs]

    def cancel(self, job_id: UUID) -> JobState | None:
        """Cancel a waiting or queued job, or ask the worker of a running one to stop.

        With it go its steps, and what waits for it.

        Returns CANCELLED, RUNNING when the request is on record, or None when the job
        had already ended.
        """
        owner_id = self._session.scalar(select(Job.owner_id).where(Job.id == job_id))
        if owner_id is None:
            return None
        self._shares.lock(owner_id)
        ended = NO_ERROR | {"finished_at": instant(self._session)}
        for source in (JobState.WAITING, JobState.QUEUED):
            if self._moves.move((Job.id == job_id,), source, JobState.CANCELLED, ended):
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

    def held_by(self, worker: str) -> Claim | None:
        """The job that was claimed as ``worker``, a name of that claim alone; None if none was."""
        job = self._session.execute(
            select(*_CLAIMED).where(Job.state == JobState.RUNNING, Job.worker == worker)
        ).one_or_none()
        return None if job is None else self._claim_from(job, worker, job.attempt)

    def heartbeat(self, claim: Claim, *, progress: float, stage: str, lease_s: float) -> Beat:
        """Renew the lease, write progress (0 to 1), and learn whether to go on."""
        row = self._session.execute(
            update(Job)
            .where(*claim.fence, Job.state == JobState.RUNNING)
            .values(
                progress=progress, stage=stage, lease_expires_at=instant(self._session, lease_s)
            )
            .returning(Job.cancel_requested)
        ).one_or_none()
        if row is None:
            return Beat.LOST
        return Beat.CANCEL if row.cancel_requested else Beat.HELD

    def finish(self, claim: Claim, outputs: Sequence[JobFile], record: dict[str, Any]) -> bool:
        """Succeed with ``outputs``, whose blobs are stored; False when the lease was lost.

        What waited for them gets them.
        """
        values = {"record": record, "progress": 1.0}
        if not self._leave(claim, JobState.SUCCEEDED, values):
            return False
        count_of: Counter[str] = Counter()
        rows = []
        for output in outputs:
            rows.append(
                {
                    "job_id": claim.job_id,
                    "role": output.role,
                    "position": count_of[output.role],
                    "blob_sha256": output.sha256,
                    "file_name": output.file_name,
                    "reuse_key": output.reuse_key,
                }
            )
            count_of[output.role] += 1
        if rows:  # without any, one row of defaults would be inserted
            self._session.execute(insert(JobOutput), rows)
        self._needs.meet(claim.job_id)
        return True

    def fail(
        self, claim: Claim, *, code: str, message: Message, regions: Sequence[dict[str, Any]] = ()
    ) -> bool:
        """Fail for a reason of the job's own; False when the lease was lost.

        ``regions`` are the parts of the main picture that the reason speaks of, as JSON.
        """
        return self._leave(
            claim, JobState.FAILED, error(code, message) | {"error_regions": list(regions)}
        )

    def stop(self, claim: Claim) -> bool:
        """Carry out a requested cancel; False when none was, or the lease was lost."""
        return self._leave(claim, JobState.CANCELLED, {}, Job.cancel_requested.is_(True))

    def postpone(
        self, claim: Claim, *, code: str, message: Message, rest_s: float
    ) -> JobState | None:
        """Give the job back after a fault of its surroundings; nobody takes it for ``rest_s``.

        While it rests, ``code`` and ``message`` say why.
        Returns the state it went to, None when the lease was lost.
        """
        self._shares.lock(claim.owner_id)
        reason = error(code, message)
        return self._moves.give_back(claim.fence, {}, rest_s=rest_s, reason=reason)

    def retry(
        self, claim: Claim, *, code: str, message: Message, rest_s: float, max_attempts: int
    ) -> JobState | None:
        """Spend an attempt: give the job back for ``rest_s``, or fail it when it was the last.

        Returns the state it went to, None when the lease was lost.
        """
        self._shares.lock(claim.owner_id)
        spent = error(code, message)
        return self._moves.spend(claim.fence, max_attempts, spent, rest_s=rest_s)

    def place_of_next(self, owner_id: UUID, lane: Lane) -> int:
        """Where a run would stand that this person submits now, 1 = next to start."""
        own = select(func.count()).where(Job.lane == lane, Job.owner_id == owner_id, *DUE)
        own_turn = self._session.scalars(own).one() + 1
        return own_turn + self._shares.turns_before(owner_id, lane, own_turn)

    def lane_of(self, job_id: UUID) -> Lane | None:
        """In which lane a run stands; None when it is gone."""
        return self._session.scalar(select(Job.lane).where(Job.id == job_id))

    def kinds(self, lane: Lane, at_most: int = 500) -> dict[Kind, Counted]:
        """What runs in ``lane`` and what is to start there, whoever's it is.

        Counts ``at_most`` runs of either, as a long queue is told by its beginning.
        """
        found: dict[Kind, Counter[JobState]] = defaultdict(Counter)
        for conditions in (DUE, (Job.state == JobState.RUNNING,)):
            some = select(Job.tool, Job.model, Job.state).where(Job.lane == lane, *conditions)
            for tool, model, state in self._session.execute(some.limit(at_most)):
                found[Kind(tool, model)][state] += 1
        return {
            kind: Counted(by_state[JobState.QUEUED], by_state[JobState.RUNNING])
            for kind, by_state in found.items()
        }

    def position(self, job_id: UUID) -> int | None:
        """1 for the queued job that starts next, and so on; None when it is not queued, or rests.

        Follows the claim order. Exact for one worker while nobody submits or cancels, an
        estimate otherwise.
        """
        job = self._session.execute(
            select(Job.owner_id, Job.lane, Job.priority).where(Job.id == job_id, *DUE)
        ).one_or_none()
        if job is None:
            return None
        ahead = or_(
            Job.priority > job.priority, and_(Job.priority == job.priority, Job.id <= job_id)
        )
        own = select(func.count()).where(
            Job.lane == job.lane, Job.owner_id == job.owner_id, *DUE, ahead
        )
        own_turn = self._session.scalars(own).one()
        return own_turn + self._shares.turns_before(job.owner_id, job.lane, own_turn)

    def _claim_of(self, owner_id: UUID, lane: Lane, worker: str, lease_s: float) -> Claim | None:
        """Claim the owner's next job; with his share locked nobody else moves any of them."""
        job = self._session.execute(
            select(*_CLAIMED)
            .where(Job.lane == lane, Job.owner_id == owner_id, *DUE)
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
        }
        conditions = (Job.id == job.id, Job.attempt == job.attempt)
        if not self._moves.move(conditions, JobState.QUEUED, JobState.RUNNING, values):
            return None
        return self._claim_from(job, worker, attempt)

    def _claim_from(self, job: Row[Any], worker: str, attempt: int) -> Claim:
        """The claim on the row ``job`` of ``_CLAIMED``, with its files."""
        return Claim(
            job_id=job.id,
            owner_id=job.owner_id,
            lane=job.lane,
            attempt=attempt,
            attempts_spent=job.attempts_spent,
            worker=worker,
            tool=job.tool,
            params=job.params,
            params_version=job.params_version,
            files=self._input_files(job.id),
        )

    def _input_files(self, job_id: UUID) -> tuple[JobFile, ...]:
        rows = self._session.execute(
            select(JobInput.role, JobInput.file_name, JobInput.blob_sha256)
            .where(JobInput.job_id == job_id)
            .order_by(JobInput.position, JobInput.role)
        )
        return tuple(JobFile(role, file_name, sha256) for role, file_name, sha256 in rows)

    def _leave(
        self,
        claim: Claim,
        target: JobState,
        values: dict[str, Any],
        *conditions: ColumnElement[bool],
    ) -> bool:
        """Move a job that ``claim`` still holds, and that meets ``conditions``, out of running."""
        self._shares.lock(claim.owner_id)
        values = ending(self._session, target) | values
        return self._moves.move((*claim.fence, *conditions), JobState.RUNNING, target, values)
