"""Jobs that wait for others: what they wait for, and what becomes of them.

A waiting job is queued by the transaction that succeeds with the last of its needs, and
cancelled by the one in which a need fails or is cancelled. Both hold the shares of the owner,
who is the same for all of them: so two needs that end at once end one after the other, and
neither takes the other for still open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.errors import NeedError
from db.models import Batch, Job, JobInput, JobNeed, JobOutput
from db.repositories.clock import instant
from db.repositories.dialect import chunks
from db.repositories.submissions import NewInput, NewJob
from db.repositories.transitions import transit
from db.states import JobState
from db.types import Lane
from studio.words import N_, Message, msg

_CANCELLED_WITH = {
    JobState.FAILED: N_("“{title}” ({tool}) failed, and this run needs it."),
    JobState.CANCELLED: N_("“{title}” ({tool}) was cancelled, and this run needs it."),
}
_ENDED_BADLY = {
    JobState.FAILED: N_("“{title}” ({tool}) failed and will make nothing to go on with"),
    JobState.CANCELLED: N_("“{title}” ({tool}) was cancelled and will make nothing to go on with"),
}

_NO_SUCH_FILE = N_("“{title}” ({tool}) made no such file, and this run needs it.")

_File = tuple[str, int]
"""Role and position of a file among those of its job."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How far the steps of a run are, without the run itself.

    ``progress`` is the sum of theirs: a step that is done counts 1.
    """

    total: int
    done: int
    progress: float


class NeedRepository:
    """Needs of jobs. Flushes, never commits; whoever moves jobs here holds their owner's shares."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def resolve(self, owner_id: UUID, new_jobs: Sequence[NewJob]) -> list[NewJob]:
        """``new_jobs`` in an order in which each follows those it needs.

        What a needed job has made already becomes an input at once; the other needs stay.

        Raises:
            NeedError: ``need.cycle``; ``need.gone``; ``need.foreign`` for somebody else's run
                that is not done; ``need.ended`` for one that failed or was cancelled;
                ``need.no_output`` for one that made no such file.

        """
        ordered = _in_order(new_jobs)
        new_ids = {new.id for new in ordered}
        needed = {need.job_id for new in ordered for need in new.needs} - new_ids
        made = self._made(owner_id, needed)
        return [_with_inputs(new, made) for new in ordered]

    def add(self, new_jobs: Iterable[NewJob]) -> None:
        """Record the needs of jobs that have just been added."""
        rows = [
            {
                "job_id": new.id,
                "needed_id": need.job_id,
                "output_role": need.output_role,
                "output_position": need.output_position,
                "role": need.role,
                "position": need.position,
            }
            for new in new_jobs
            for need in new.needs
        ]
        if rows:
            self._session.execute(insert(JobNeed), rows)

    def meet(self, job_id: UUID) -> None:
        """Give what the job, which has just succeeded, made to those that wait for it.

        They are queued if it was the last they waited for, and cancelled if it made no such file.
        """
        is_awaited = exists().where(JobNeed.needed_id == job_id, JobNeed.is_open)
        if not self._session.scalar(select(is_awaited)):
            return
        self._fill(job_id)
        self._cancel_along([job_id], "need.no_output", _NO_SUCH_FILE)
        self.release(Job.id.in_(select(JobNeed.job_id).where(JobNeed.needed_id == job_id)))

    def lanes_after(self, job_id: UUID) -> set[Lane]:
        """The lanes of queued jobs that took something from this one."""
        followers = select(JobNeed.job_id).where(JobNeed.needed_id == job_id)
        lanes = select(Job.lane).where(Job.id.in_(followers), Job.state == JobState.QUEUED)
        return set(self._session.scalars(lanes.distinct()))

    def release(self, *conditions: ColumnElement[bool]) -> list[UUID]:
        """Queue the jobs that have nothing left to wait for; returns their ids."""
        conditions = (*conditions, ~_has_open_needs(), ~_is_paused())
        return transit(self._session, conditions, JobState.WAITING, JobState.QUEUED, {})

    def hold(self, *conditions: ColumnElement[bool]) -> None:
        """Let queued jobs wait whose batch is paused."""
        conditions = (*conditions, _is_paused())
        transit(self._session, conditions, JobState.QUEUED, JobState.WAITING, {})

    def abandon(self, job_id: UUID, ended: JobState) -> None:
        """Cancel what waits for a job that failed or was cancelled, and the steps it had left."""
        is_awaited = exists().where(JobNeed.needed_id == job_id, JobNeed.is_open)
        has_steps = exists().where(Job.serves_id == job_id)
        if self._session.scalar(select(or_(is_awaited, has_steps))):
            self._cancel_along([job_id], f"need.{ended}", _CANCELLED_WITH[ended])

    def steps(self, job_ids: Iterable[UUID]) -> Mapping[UUID, Steps]:
        """How far the steps of these runs are; runs without steps are left out."""
        is_done = Job.state == JobState.SUCCEEDED
        rows = self._session.execute(
            select(
                Job.serves_id,
                func.count(),
                func.sum(case((is_done, 1), else_=0)),
                func.sum(case((is_done, 1.0), else_=Job.progress)),
            )
            .where(Job.serves_id.in_(list(job_ids)))
            .group_by(Job.serves_id)
        )
        return {run: Steps(total, int(done), float(share)) for run, total, done, share in rows}

    def of(self, job_ids: Iterable[UUID]) -> Sequence[JobNeed]:
        """What these jobs wait for, and what they waited for until it was made."""
        return self._session.scalars(select(JobNeed).where(JobNeed.job_id.in_(list(job_ids)))).all()

    def open_counts(self, job_ids: Iterable[UUID]) -> Mapping[UUID, int]:
        """How many results each of these jobs waits for; those that wait for none are left out."""
        rows = self._session.execute(
            select(JobNeed.job_id, func.count())
            .where(JobNeed.job_id.in_(list(job_ids)), JobNeed.is_open)
            .group_by(JobNeed.job_id)
        )
        return {job_id: number for job_id, number in rows}

    def _made(self, owner_id: UUID, job_ids: Iterable[UUID]) -> dict[UUID, dict[_File, JobOutput]]:
        """The files of each of these jobs that has succeeded."""
        made: dict[UUID, dict[_File, JobOutput]] = {}
        for ids in chunks(job_ids):
            found = self._session.execute(
                select(Job.id, Job.owner_id, Job.state, Job.title, Job.tool)
                .where(Job.id.in_(ids))
                # Nobody purges one of them before this transaction has named it.
                .with_for_update(read=True, key_share=True)
            ).all()
            if len(found) < len(ids):
                raise NeedError(
                    "need.gone",
                    msg("A run that this one needs is no longer there"),
                    msg("Choose another."),
                )
            for job in found:
                _require_may_wait_for(job, owner_id)
            done = [job.id for job in found if job.state is JobState.SUCCEEDED]
            made |= {job_id: {} for job_id in done}
            outputs = self._session.scalars(select(JobOutput).where(JobOutput.job_id.in_(done)))
            for output in outputs:
                made[output.job_id][output.role, output.position] = output
        return made

    def _fill(self, job_id: UUID) -> None:
        """The job's files become inputs of those that wait for them; these needs are closed."""
        files = (
            select(
                JobNeed.id,
                JobNeed.job_id,
                JobNeed.role,
                JobNeed.position,
                JobOutput.blob_sha256,
                JobOutput.file_name,
            )
            .join(Job, and_(Job.id == JobNeed.job_id, Job.state == JobState.WAITING))
            .join(
                JobOutput,
                and_(
                    JobOutput.job_id == JobNeed.needed_id,
                    JobOutput.role == JobNeed.output_role,
                    JobOutput.position == JobNeed.output_position,
                ),
            )
            .where(JobNeed.needed_id == job_id, JobNeed.is_open)
        )
        columns = ("id", "job_id", "role", "position", "blob_sha256", "file_name")
        self._session.execute(insert(JobInput).from_select(columns, files))
        self._session.execute(
            update(JobNeed)
            .where(JobNeed.needed_id == job_id, exists().where(JobInput.id == JobNeed.id))
            .values(is_open=False)
            .execution_options(synchronize_session=False)
        )

    def _cancel_along(self, job_ids: Sequence[UUID], code: str, what_happened: str) -> None:
        """Cancel all that waits for these jobs, and so on along the needs, and all their steps."""
        title, tool = self._session.execute(
            select(Job.title, Job.tool).where(Job.id == job_ids[0])
        ).one()
        reason = {
            "error_code": code,
            "error_message": Message(what_happened, {"title": title, "tool": tool}),
        }
        while job_ids:
            job_ids = [
                job_id
                for ids in chunks(job_ids)
                for job_id in (*self._cancel_waiting_for(ids, reason), *self._cancel_steps_of(ids))
            ]

    def _cancel_waiting_for(self, job_ids: Sequence[UUID], reason: dict[str, Any]) -> list[UUID]:
        waiting = select(JobNeed.job_id).where(JobNeed.needed_id.in_(job_ids), JobNeed.is_open)
        return self._cancel(Job.id.in_(waiting), JobState.WAITING, reason)

    def _cancel_steps_of(self, job_ids: Sequence[UUID]) -> list[UUID]:
        """Those that run are asked to stop; only the ids of the others are returned."""
        are_steps = Job.serves_id.in_(job_ids)
        self._session.execute(
            update(Job)
            .where(are_steps, Job.state == JobState.RUNNING)
            .values(cancel_requested=True)
            .execution_options(synchronize_session=False)
        )
        reason = {
            "error_code": "step.not_needed",
            "error_message": msg("The run that this was a step of has ended."),
        }
        return [
            job_id
            for state in (JobState.WAITING, JobState.QUEUED)
            for job_id in self._cancel(are_steps, state, reason)
        ]

    def _cancel(
        self, condition: ColumnElement[bool], source: JobState, reason: dict[str, Any]
    ) -> list[UUID]:
        values = reason | {"finished_at": instant(self._session)}
        return transit(self._session, (condition,), source, JobState.CANCELLED, values)


def _in_order(new_jobs: Sequence[NewJob]) -> list[NewJob]:
    by_id = {new.id: new for new in new_jobs}
    graph = {
        job_id: by_id.keys() & {new.parent_id, *(need.job_id for need in new.needs)}
        for job_id, new in by_id.items()
    }
    try:
        return [by_id[job_id] for job_id in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise NeedError(
            "need.cycle",
            msg("These runs would wait for each other for ever"),
            msg("Let each wait for earlier ones alone."),
        ) from error


def _require_may_wait_for(job: Row[UUID, UUID, JobState, str, str], owner_id: UUID) -> None:
    if job.state is JobState.SUCCEEDED:
        return
    if job.state.is_terminal:
        raise NeedError(
            "need.ended",
            Message(_ENDED_BADLY[job.state], {"title": job.title, "tool": job.tool}),
            msg("Run it again first."),
        )
    if job.owner_id != owner_id:
        raise NeedError(
            "need.foreign",
            msg(
                "“{title}” ({tool}) is somebody else's run and not done yet",
                title=job.title,
                tool=job.tool,
            ),
            msg("Use its result when it is there."),
        )


def _with_inputs(new: NewJob, made: Mapping[UUID, Mapping[_File, JobOutput]]) -> NewJob:
    """``new`` with its needs of jobs that are done turned into inputs."""
    inputs = list(new.inputs)
    for need in new.needs:
        if need.job_id not in made:
            continue
        output = made[need.job_id].get((need.output_role, need.output_position))
        if output is None:
            raise NeedError(
                "need.no_output",
                msg("That run made no file in the role “{role}”", role=need.output_role),
                msg("Choose one of the files it made."),
            )
        inputs.append(
            NewInput(
                role=need.role,
                blob_sha256=output.blob_sha256,
                file_name=output.file_name,
                position=need.position,
            )
        )
    open_needs = [need for need in new.needs if need.job_id not in made]
    return replace(new, inputs=inputs, needs=open_needs)


def _has_open_needs() -> ColumnElement[bool]:
    return exists().where(JobNeed.job_id == Job.id, JobNeed.is_open)


def _is_paused() -> ColumnElement[bool]:
    return exists().where(Batch.id == Job.batch_id, Batch.paused_at.is_not(None))
