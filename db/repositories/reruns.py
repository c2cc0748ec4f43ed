"""What to submit to run a job again: itself, and whatever it needed that was never made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import case, exists, select
from sqlalchemy.orm import Session, selectinload

from db.errors import NeedError
from db.models import Job, JobNeed, JobOutput
from db.repositories.dialect import chunks
from db.repositories.submissions import NewInput, NewJob, NewNeed
from db.states import JobState
from db.types import Origin, new_id
from studio.words import msg


def plan_rerun(session: Session, job_id: UUID, owner_id: UUID) -> list[NewJob]:
    """New jobs for ``owner_id`` with the very inputs, parameters and visibility of the old ones.

    The last of them repeats ``job_id``, those before it what it needs that failed, was
    cancelled, or ended without the file that is needed. What has been made already is used
    again, what is being made is waited for.

    Raises:
        NeedError: ``need.gone``, as a run that it needs was purged before it made anything.

    """
    jobs = _to_repeat(session, job_id)
    needs = _open_needs(session, jobs)
    new_ids = {job.id: new_id() for job in jobs}
    return [_again(job, needs.get(job.id, []), new_ids, owner_id) for job in reversed(jobs)]


def _to_repeat(session: Session, job_id: UUID) -> Sequence[Job]:
    """The job, then those it needs that will never make what it needs of them."""
    has_made_it = exists().where(
        JobOutput.job_id == Job.id,
        JobOutput.role == JobNeed.output_role,
        JobOutput.position == JobNeed.output_position,
    )
    will_not_make = case(
        # It may have been done before it heard that it should stop.
        (Job.state == JobState.SUCCEEDED, ~has_made_it),
        else_=Job.state.in_((JobState.FAILED, JobState.CANCELLED)) | Job.cancel_requested,
    )
    line = select(Job.id).where(Job.id == job_id).cte("line", recursive=True)
    line = line.union(
        select(Job.id)
        .join(JobNeed, JobNeed.needed_id == Job.id)
        .join(line, JobNeed.job_id == line.c.id)
        .where(JobNeed.is_open, will_not_make)
    )
    statement = select(Job).join(line, line.c.id == Job.id).options(selectinload(Job.inputs))
    found = session.scalars(statement).all()
    return sorted(found, key=lambda job: job.id != job_id)


def _open_needs(session: Session, jobs: Sequence[Job]) -> dict[UUID, list[JobNeed]]:
    needs: dict[UUID, list[JobNeed]] = {}
    open_needs = select(JobNeed).where(JobNeed.is_open)
    for ids in chunks(job.id for job in jobs):
        for need in session.scalars(open_needs.where(JobNeed.job_id.in_(ids))):
            needs.setdefault(need.job_id, []).append(need)
    return needs


def _again(
    job: Job, needs: Sequence[JobNeed], new_ids: Mapping[UUID, UUID], owner_id: UUID
) -> NewJob:
    return NewJob(
        id=new_ids[job.id],
        owner_id=owner_id,
        tool=job.tool,
        method=job.model,
        params=job.params,
        params_version=job.params_version,
        main_role=job.main_role,
        lane=job.lane,
        inputs=[
            NewInput(
                role=file.role,
                blob_sha256=file.blob_sha256,
                file_name=file.file_name,
                position=file.position,
                is_taken_over=file.is_taken_over,
            )
            for file in job.inputs
        ],
        needs=[_need_again(need, new_ids) for need in needs],
        parent_id=job.id,
        origin=Origin.RERUN,
        serves_id=new_ids.get(job.serves_id) if job.serves_id else None,
        visibility=job.visibility,
        title=job.title,
    )


def _need_again(need: JobNeed, new_ids: Mapping[UUID, UUID]) -> NewNeed:
    if need.needed_id is None:
        raise NeedError(
            "need.gone",
            msg("A run that this one needs was deleted before it made anything"),
            msg("Start over with the first step."),
        )
    return NewNeed(
        job_id=new_ids.get(need.needed_id, need.needed_id),
        output_role=need.output_role,
        output_position=need.output_position,
        role=need.role,
        position=need.position,
    )
