"""Who may start what. Each check reads the record in the transaction of the deed."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Job
from db.repositories.audit import AuditRepository
from db.repositories.jobs import JobRepository
from db.repositories.tool_switches import ToolSwitchRepository
from studio.errors import UserInputError
from studio.tools.spec import ToolSpec
from studio.words import Message, msg
from tasks.authority import Needs, authorise


def consent_action(tool: str) -> str:
    """What the audit calls it that somebody confirmed what ``tool`` asks for."""
    return f"{tool}.consent"


def require_may_run(session: Session, actor: Actor, spec: ToolSpec) -> Actor:
    """Refuse viewers, tools that are switched off, and tools that wait for a confirmation.

    Returns the actor as the record knows them now.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: ``tool.switched_off`` or ``consent.missing``.

    """
    actor = authorise(session, actor, Needs.RUNNING)
    if spec.name in ToolSwitchRepository(session).switched_off():
        raise UserInputError(
            msg("{title} is switched off in this studio", title=Message(spec.title)),
            remedy=msg("Ask an admin to switch it on."),
            code="tool.switched_off",
        )
    if spec.consent and not AuditRepository(session).has_done(actor.id, consent_action(spec.name)):
        raise UserInputError(
            msg("{title} needs your confirmation before the first run", title=Message(spec.title)),
            remedy=msg(
                "Open its page and confirm it once; scripts can POST to "
                "/api/v1/tools/{name}/consent.",
                name=spec.name,
            ),
            code="consent.missing",
        )
    return actor


def visible_job(session: Session, actor: Actor, job_id: UUID) -> Job:
    """The job, if ``actor`` may see it.

    Raises:
        UserInputError: ``job.not_found``.

    """
    return _found(JobRepository(session).get(actor, job_id))


def held_job(session: Session, actor: Actor, job_id: UUID) -> Job:
    """As :func:`visible_job`, for new rows to name: it is there until the transaction ends.

    Raises:
        UserInputError: ``job.not_found``.

    """
    return held_jobs(session, actor, [job_id])[job_id]


def held_jobs(session: Session, actor: Actor, job_ids: Collection[UUID]) -> dict[UUID, Job]:
    """As :func:`held_job`, all of them by their ids.

    Raises:
        UserInputError: ``job.not_found``, for any.

    """
    held = {job.id: job for job in JobRepository(session).hold(actor, job_ids)}
    return {job_id: _found(held.get(job_id)) for job_id in job_ids}


def _found(job: Job | None) -> Job:
    if job is None:
        raise UserInputError(
            msg("There is no such run, or it is private"),
            remedy=msg("Look for it in the history."),
            code="job.not_found",
        )
    return job
