"""The queue against a model of itself, under random sequences of whatever may happen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import delete, func, select, update

from db.models import FairShare, Job, JobInput, JobOutput
from db.repositories.queue import Beat, Claim, JobFile, QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep
from db.session import Database
from db.states import TRANSITIONS, JobState, require_transition
from db.types import Lane, utc_now
from studio.words import msg
from tests.db.repositories.machines import explore
from tests.factories import make_blob, make_new_job, make_record, make_user
from tests.rows import AWAY

pytestmark = pytest.mark.slow

USERS = 3
LANES = (Lane.GPU, Lane.CPU)
MAX_ATTEMPTS = 2


@dataclass
class Modelled:
    """What the model believes of one job."""

    owner: int
    lane: Lane
    priority: int
    number: int
    state: JobState = JobState.QUEUED
    attempt: int = 0
    attempts_spent: int = 0
    is_resting: bool = False
    has_rested: bool = False
    cancel_requested: bool = False
    is_expired: bool = False
    claims: list[Claim] = field(default_factory=list)

    def holds(self, claim: Claim) -> bool:
        return self.state is JobState.RUNNING and claim.attempt == self.attempt


class QueueMachine(RuleBasedStateMachine):
    """Random work of several users, workers and a reconciler."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.jobs: dict[UUID, Modelled] = {}
        self.served: dict[tuple[int, Lane], int] = {}
        self.clock = count(1)
        self.numbers = count()
        with database.write() as session:
            for table in (JobInput, JobOutput, Job, FairShare):
                session.execute(delete(table))
            self.blob = make_blob(session).sha256
            users = sorted((make_user(session).id for _ in range(USERS)), key=str)
        self.users = users

    # What may happen

    @rule(
        owner=st.integers(0, USERS - 1),
        lane=st.sampled_from(LANES),
        priority=st.integers(0, 1),
        jobs=st.integers(1, 3),
    )
    def submit(self, owner: int, lane: Lane, priority: int, jobs: int) -> None:
        new_jobs = [
            make_new_job(self.users[owner], self.blob, lane=lane, priority=priority)
            for _ in range(jobs)
        ]
        with self.database.write() as session:
            job_ids = QueueRepository(session).enqueue(new_jobs)
        for job_id in job_ids:
            self.jobs[job_id] = Modelled(owner, lane, priority, next(self.numbers))

    @rule(lane=st.sampled_from(LANES))
    def claim(self, lane: Lane) -> None:
        with self.database.write() as session:
            claim = QueueRepository(session).claim(lane, "worker", lease_s=60)
        expected = self._fairest(lane)
        assert (claim.job_id if claim else None) == expected
        if claim is not None:
            job = self.jobs[claim.job_id]
            job.state, job.attempt, job.is_expired = JobState.RUNNING, job.attempt + 1, False
            assert claim.attempt == job.attempt
            job.claims.append(claim)
            self.served[job.owner, lane] = next(self.clock)

    @precondition(lambda self: self._claimed())
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        job, claim = self._draw_claim(data)
        with self.database.write() as session:
            beat = QueueRepository(session).heartbeat(claim, progress=0.5, stage="run", lease_s=60)
        if not job.holds(claim):
            assert beat is Beat.LOST
            return
        assert beat is (Beat.CANCEL if job.cancel_requested else Beat.HELD)
        job.is_expired = False

    @precondition(lambda self: self._claimed())
    @rule(
        data=st.data(),
        ending=st.sampled_from(["finish", "fail", "stop", "retry", "postpone"]),
        rest_s=st.sampled_from([0, 60]),
    )
    def end(self, data: st.DataObject, ending: str, rest_s: float) -> None:
        job, claim = self._draw_claim(data)
        with self.database.write() as session:
            queue = QueueRepository(session)
            match ending:
                case "finish":
                    outputs = [JobFile("image", "a-upscaled.png", self.blob)]
                    moved = queue.finish(claim, outputs, make_record())
                    target = JobState.SUCCEEDED
                case "fail":
                    moved, target = queue.fail(claim, code="x", message=msg("X.")), JobState.FAILED
                case "stop":
                    moved, target = queue.stop(claim), JobState.CANCELLED
                case "retry":
                    spent = {"code": "x", "message": msg("X."), "max_attempts": MAX_ATTEMPTS}
                    moved, target = queue.retry(claim, rest_s=rest_s, **spent), self._abandoned(job)
                    assert moved in (None, target)
                case _:
                    moved, target = queue.postpone(claim, **AWAY, rest_s=rest_s), JobState.QUEUED
                    if job.cancel_requested:
                        target = JobState.CANCELLED
                    assert moved in (None, target)
        may_move = job.holds(claim) and (ending != "stop" or job.cancel_requested)
        assert bool(moved) is may_move
        if may_move:
            job.state = target
            job.is_resting = target is JobState.QUEUED and rest_s > 0
            job.attempts_spent += ending == "retry" and target is not JobState.CANCELLED

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.jobs, key=str)))
        job = self.jobs[job_id]
        with self.database.write() as session:
            outcome = QueueRepository(session).cancel(job_id)
        if job.state is JobState.QUEUED:
            job.state = JobState.CANCELLED
            assert outcome is JobState.CANCELLED
        elif job.state is JobState.RUNNING:
            job.cancel_requested = True
            assert outcome is JobState.RUNNING
        else:
            assert outcome is None

    @precondition(lambda self: self._running())
    @rule(data=st.data())
    def lease_expires(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(self._running()))
        past = utc_now() - timedelta(seconds=1)
        with self.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(lease_expires_at=past))
        self.jobs[job_id].is_expired = True

    @precondition(lambda self: self._resting())
    @rule(data=st.data())
    def has_rested(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(self._resting()))
        past = utc_now() - timedelta(seconds=1)
        with self.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(not_before=past))
        self.jobs[job_id].has_rested = True

    @rule()
    def wake_rested(self) -> None:
        with self.database.write() as session:
            woken = QueueUpkeep(session).wake_rested()
        rested = [key for key in self._resting() if self.jobs[key].has_rested]
        assert woken == len(rested)
        for job_id in rested:
            self.jobs[job_id].is_resting = self.jobs[job_id].has_rested = False

    @rule()
    def reconcile(self) -> None:
        with self.database.write() as session:
            done = QueueUpkeep(session).reconcile(
                max_attempts=MAX_ATTEMPTS, silent_at=utc_now(), lease_s=60
            )
        expected: Counter[JobState] = Counter()
        for job_id in self._running():
            job = self.jobs[job_id]
            if job.is_expired:
                job.state, job.is_expired = self._abandoned(job), False
                job.attempts_spent += job.state is not JobState.CANCELLED
                expected[job.state] += 1
        assert (done.requeued, done.failed, done.cancelled) == (
            expected[JobState.QUEUED],
            expected[JobState.FAILED],
            expected[JobState.CANCELLED],
        )

    # What must hold after each step

    @invariant()
    def rows_are_as_modelled(self) -> None:
        with self.database.read() as session:
            rows = session.execute(
                select(
                    Job.id,
                    Job.state,
                    Job.attempt,
                    Job.attempts_spent,
                    Job.cancel_requested,
                    Job.worker,
                )
            ).all()
        assert {
            row.id: (row.state, row.attempt, row.attempts_spent, row.cancel_requested)
            for row in rows
        } == {
            job_id: (job.state, job.attempt, job.attempts_spent, job.cancel_requested)
            for job_id, job in self.jobs.items()
        }
        assert all((row.worker is not None) == (row.state is JobState.RUNNING) for row in rows)

    @invariant()
    def counters_equal_what_they_count(self) -> None:
        counted: Counter[tuple[UUID, Lane, JobState]] = Counter(
            (self.users[job.owner], job.lane, job.state)
            for job in self.jobs.values()
            if not (job.state is JobState.QUEUED and job.is_resting)
        )
        with self.database.read() as session:
            for share in session.scalars(select(FairShare)):
                key = (share.user_id, share.lane)
                assert share.queued == counted[*key, JobState.QUEUED]
                assert share.running == counted[*key, JobState.RUNNING]

    @invariant()
    def succeeded_jobs_alone_have_one_output(self) -> None:
        with self.database.read() as session:
            rows = session.execute(
                select(JobOutput.job_id, func.count()).group_by(JobOutput.job_id)
            )
            outputs = {job_id: made for job_id, made in rows}
        succeeded = [key for key, job in self.jobs.items() if job.state is JobState.SUCCEEDED]
        assert outputs == dict.fromkeys(succeeded, 1)

    # The model

    def _fairest(self, lane: Lane) -> UUID | None:
        running = Counter(
            job.owner
            for job in self.jobs.values()
            if job.lane is lane and job.state is JobState.RUNNING
        )
        waiting = [
            (
                running[job.owner],
                self.served.get((job.owner, lane), 0),
                job.owner,
                -job.priority,
                job.number,
                job_id,
            )
            for job_id, job in self.jobs.items()
            if job.lane is lane and job.state is JobState.QUEUED and not job.is_resting
        ]
        return min(waiting)[-1] if waiting else None

    def _abandoned(self, job: Modelled) -> JobState:
        if job.cancel_requested:
            return JobState.CANCELLED
        return JobState.FAILED if job.attempts_spent + 1 >= MAX_ATTEMPTS else JobState.QUEUED

    def _running(self) -> list[UUID]:
        return [key for key, job in self.jobs.items() if job.state is JobState.RUNNING]

    def _resting(self) -> list[UUID]:
        return [
            key for key, job in self.jobs.items() if job.state is JobState.QUEUED and job.is_resting
        ]

    def _claimed(self) -> list[UUID]:
        return [key for key, job in self.jobs.items() if job.claims]

    def _draw_claim(self, data: st.DataObject) -> tuple[Modelled, Claim]:
        job = self.jobs[data.draw(st.sampled_from(self._claimed()))]
        return job, data.draw(st.sampled_from(job.claims))


def test_queue_any_sequence_on_sqlite_behaves_as_modelled(sqlite_database: Database) -> None:
    explore(QueueMachine, sqlite_database, examples=60)


@pytest.mark.postgres
def test_queue_any_sequence_on_postgresql_behaves_as_modelled(
    postgres_database: Database,
) -> None:
    explore(QueueMachine, postgres_database, examples=15)


@pytest.mark.parametrize("source", JobState)
@pytest.mark.parametrize("target", JobState)
def test_require_transition_outside_the_table_raises(source: JobState, target: JobState) -> None:
    if target in TRANSITIONS[source]:
        require_transition(source, target)
    else:
        with pytest.raises(ValueError, match="cannot become"):
            require_transition(source, target)


def test_terminal_states_are_the_three_that_lead_nowhere() -> None:
    terminal = {state for state in JobState if state.is_terminal}
    assert terminal == {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
