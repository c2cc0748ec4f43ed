"""Chains, fans, steps and paused batches under random sequences of whatever may happen.

Nothing is modelled: after each step the rows must make sense together, and once everybody
has resumed and worked, no job may be left waiting.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import delete, func, select, update

from db.models import Batch, FairShare, Job, JobInput, JobNeed, JobOutput
from db.repositories.batches import BatchRepository
from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import Claim, JobFile, QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep
from db.repositories.reruns import plan_rerun
from db.repositories.submissions import NewInput, NewJob, NewNeed, SubmissionRepository
from db.session import Database
from db.states import TRANSITIONS, JobState
from db.types import Lane, new_id, utc_now
from studio.words import msg
from tests.db.repositories.machines import explore
from tests.factories import make_blob, make_record, make_user

USERS = 2
LANES = (Lane.GPU, Lane.CPU)
MAX_ATTEMPTS = 2
OPEN = (JobState.WAITING, JobState.QUEUED, JobState.RUNNING)
BAD = (JobState.FAILED, JobState.CANCELLED)


class WaitingMachine(RuleBasedStateMachine):
    """Random graphs of jobs of two users, two batches that pause, and workers that get lost."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.claims: list[Claim] = []
        self.known: dict[UUID, JobState] = {}
        with database.write() as session:
            for table in (JobNeed, JobInput, JobOutput, Job, Batch, FairShare):
                session.execute(delete(table))
            self.upload = make_blob(session).sha256
            self.users = [make_user(session).id for _ in range(USERS)]
            submissions = SubmissionRepository(session)
            batch = {"name": "", "tool": "upscale", "params": {}}
            self.batches = [
                submissions.add_batch(owner_id=self.users[0], **batch) for _ in range(2)
            ]

    # What may happen

    @rule(
        owner=st.integers(0, USERS - 1),
        shape=st.lists(
            st.lists(st.integers(0, 3), max_size=3, unique=True), min_size=1, max_size=5
        ),
        batch=st.sampled_from([None, None, 0, 1]),
        is_recipe=st.booleans(),
        lanes=st.lists(st.sampled_from(LANES), min_size=5, max_size=5),
        continues=st.booleans(),
    )
    def submit(
        self,
        owner: int,
        shape: list[list[int]],
        batch: int | None,
        is_recipe: bool,
        lanes: list[Lane],
        continues: bool,
    ) -> None:
        """A graph: each job needs some of those before it, the first one a run that exists."""
        ids = [new_id() for _ in shape]
        start = self._usable(owner) if continues else None
        new_jobs = []
        for number, (job_id, backwards) in enumerate(zip(ids, shape, strict=True)):
            needed = [ids[number - 1 - back] for back in backwards if back < number]
            if number == 0 and start:
                needed = [start]
            is_step = is_recipe and job_id != ids[-1]
            new_jobs.append(
                NewJob(
                    id=job_id,
                    owner_id=self.users[owner],
                    tool="upscale",
                    method="interpolation",
                    params={},
                    params_version=1,
                    main_role="image",
                    lane=lanes[number],
                    inputs=[self._uploaded()] if not needed else [],
                    needs=[
                        NewNeed(job_id=each, output_role="image", role="image", position=position)
                        for position, each in enumerate(needed)
                    ],
                    batch=self.batches[batch] if batch is not None and owner == 0 else None,
                    serves_id=ids[-1] if is_step else None,
                    title=f"{number}.png",
                )
            )
        with self.database.write() as session:
            QueueRepository(session).enqueue(new_jobs[::-1])

    @rule(lane=st.sampled_from(LANES))
    def claim(self, lane: Lane) -> None:
        with self.database.write() as session:
            claim = QueueRepository(session).claim(lane, "worker", lease_s=60)
        if claim is not None:
            self.claims.append(claim)
            self._require_all_files(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), ending=st.sampled_from(["finish", "finish", "fail", "stop", "nothing"]))
    def end(self, data: st.DataObject, ending: str) -> None:
        claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        with self.database.write() as session:
            queue = QueueRepository(session)
            match ending:
                case "finish":
                    self._finish(queue, claim)
                case "nothing":
                    queue.finish(claim, [JobFile("log", "a.txt", self.upload)], make_record())
                case "fail":
                    queue.fail(claim, code="x", message=msg("X."))
                case _ if not queue.stop(claim):
                    self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A worker falls silent for a lease; its claim stays with it."""
        claim = data.draw(st.sampled_from(self.claims))
        past = utc_now() - timedelta(seconds=1)
        with self.database.write() as session:
            session.execute(
                update(Job)
                .where(*claim.fence, Job.state == JobState.RUNNING)
                .values(lease_expires_at=past)
            )
            QueueUpkeep(session).reconcile(
                max_attempts=MAX_ATTEMPTS, silent_at=utc_now(), lease_s=60
            )

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.known)))
        with self.database.write() as session:
            QueueRepository(session).cancel(job_id)

    @rule(number=st.integers(0, 1), is_paused=st.booleans())
    def pause(self, number: int, is_paused: bool) -> None:
        self._set_paused(number, is_paused)

    @precondition(lambda self: self._ended_badly())
    @rule(data=st.data())
    def start_again(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(self._ended_badly()))
        with self.database.write() as session:
            owner_id = session.get_one(Job, job_id).owner_id
            new_jobs = plan_rerun(session, job_id, owner_id)
            before = {new.parent_id for new in new_jobs}
            QueueRepository(session).enqueue(new_jobs)
        with self.database.read() as session:
            makes = select(JobOutput.job_id).where(JobOutput.role == "image")
            made = select(Job.id).where(Job.id.in_(before), Job.id.in_(makes))
            assert session.scalars(made).all() == []

    # What must hold after each step

    @invariant()
    def every_change_is_in_the_table(self) -> None:
        with self.database.read() as session:
            now = dict(session.execute(select(Job.id, Job.state)).all())
        for job_id, state in now.items():
            before = self.known.get(job_id, state)
            # Given back into a paused batch, a job passes the queue within one transaction.
            ways = ((before, state), (before, JobState.QUEUED, state))
            assert state is before or any(
                all(target in TRANSITIONS[source] for source, target in pairwise(way))
                for way in ways
            ), f"{before} became {state}"
        self.known = now

    @invariant()
    def counters_equal_what_they_count(self) -> None:
        with self.database.read() as session:
            jobs = session.execute(select(Job.owner_id, Job.lane, Job.state))
            counted = Counter(jobs)
            for share in session.scalars(select(FairShare)):
                key = (share.user_id, share.lane)
                assert share.queued == counted[*key, JobState.QUEUED]
                assert share.running == counted[*key, JobState.RUNNING]

    @invariant()
    def jobs_wait_exactly_while_there_is_something_to_wait_for(self) -> None:
        paused = select(Batch.id).where(Batch.paused_at.is_not(None))
        has_needs = select(JobNeed.job_id).where(JobNeed.is_open)
        must_wait = Job.id.in_(has_needs) | func.coalesce(Job.batch_id.in_(paused), False)
        with self.database.read() as session:
            for state, must in session.execute(select(Job.state, must_wait)):
                if state is JobState.WAITING:
                    assert must
                if state is JobState.QUEUED:
                    assert not must

    @invariant()
    def no_job_waits_for_one_that_has_ended(self) -> None:
        needed = (
            select(JobNeed.needed_id)
            .join(Job, Job.id == JobNeed.job_id)
            .where(JobNeed.is_open, Job.state == JobState.WAITING)
        )
        with self.database.read() as session:
            states = session.scalars(select(Job.state).where(Job.id.in_(needed))).all()
        assert all(state in OPEN for state in states)

    @invariant()
    def steps_of_what_has_ended_end(self) -> None:
        ended = select(Job.id).where(Job.state.in_(BAD))
        with self.database.read() as session:
            steps = session.execute(
                select(Job.state, Job.cancel_requested).where(Job.serves_id.in_(ended))
            )
            for state, is_asked in steps:
                assert state not in (JobState.WAITING, JobState.QUEUED)
                assert state is not JobState.RUNNING or is_asked

    def teardown(self) -> None:
        """Nothing is left for ever once batches go on and all work is done."""
        for number in range(2):
            self._set_paused(number, False)
        while self.claims:
            self._work_off(self.claims.pop())
        for lane in LANES * len(self.known):
            while claim := self._claim(lane):
                self._require_all_files(claim)
                self._work_off(claim)
        self.counters_equal_what_they_count()
        with self.database.read() as session:
            left = session.scalars(select(Job.state).where(Job.state.in_(OPEN))).all()
        assert not left
        with self.database.write() as session:
            before = session.execute(_shares()).all()
            FairShareRepository(session).rebuild()
            assert session.execute(_shares()).all() == before

    # Helpers

    def _usable(self, owner: int) -> UUID | None:
        """A run of this owner that makes, or has made, a picture."""
        makes = select(JobOutput.job_id).where(JobOutput.role == "image")
        with self.database.read() as session:
            return session.scalar(
                select(Job.id)
                .where(Job.owner_id == self.users[owner], Job.state.in_(OPEN) | Job.id.in_(makes))
                .order_by(Job.id)
            )

    def _uploaded(self) -> NewInput:
        return NewInput(role="image", blob_sha256=self.upload, file_name="a.png")

    def _claim(self, lane: Lane) -> Claim | None:
        with self.database.write() as session:
            return QueueRepository(session).claim(lane, "worker", lease_s=60)

    def _finish(self, queue: QueueRepository, claim: Claim) -> bool:
        name = f"{claim.job_id.hex}.png"
        return queue.finish(claim, [JobFile("image", name, self.upload)], make_record())

    def _work_off(self, claim: Claim) -> None:
        """As a worker: stop if that was asked, else succeed."""
        with self.database.write() as session:
            queue = QueueRepository(session)
            if not queue.stop(claim):
                self._finish(queue, claim)

    def _require_all_files(self, claim: Claim) -> None:
        """A job starts with exactly the files of the jobs that it needs, in their order."""
        with self.database.read() as session:
            needs = select(JobNeed.needed_id, JobNeed.is_open).where(JobNeed.job_id == claim.job_id)
            rows = session.execute(needs.order_by(JobNeed.position)).all()
        assert not any(is_open for _, is_open in rows)
        given = [file.file_name for file in claim.files]
        assert given
        for needed_id, _ in rows:
            assert f"{needed_id.hex}.png" in given

    def _ended_badly(self) -> list[UUID]:
        return sorted(key for key, state in self.known.items() if state in BAD)

    def _set_paused(self, number: int, is_paused: bool) -> None:
        with self.database.write() as session:
            batches = BatchRepository(session)
            batch = batches.get(self.batches[number].id)
            assert batch is not None
            (batches.pause if is_paused else batches.resume)(batch)


def _shares():  # noqa: ANN202 — a Select of three columns
    columns = (FairShare.user_id, FairShare.lane, FairShare.queued, FairShare.running)
    return select(*columns).order_by(*columns[:2])


@pytest.mark.slow
def test_waiting_jobs_any_sequence_on_sqlite_makes_sense(sqlite_database: Database) -> None:
    explore(WaitingMachine, sqlite_database, examples=25)


@pytest.mark.slow
@pytest.mark.postgres
def test_waiting_jobs_any_sequence_on_postgresql_makes_sense(postgres_database: Database) -> None:
    explore(WaitingMachine, postgres_database, examples=8)
