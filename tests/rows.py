"""Rows as they are, whoever may see them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from db.models import Job, JobInput, JobOutput
from db.session import Database
from studio.words import msg

AWAY = {"code": "storage.unreachable", "message": msg("Storage cannot be reached.")}
"""Why a job was postponed."""


def job_of(database: Database, job_id: UUID) -> Job:
    """The job with its files."""
    with database.read() as session:
        return session.scalars(
            select(Job)
            .where(Job.id == job_id)
            .options(
                selectinload(Job.inputs).joinedload(JobInput.blob),
                selectinload(Job.outputs).joinedload(JobOutput.blob),
            )
        ).one()
