"""What earlier runs have made, and how long they took, for new ones on the same pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from db.actor import Actor
from db.models import Blob, Job, JobInput, JobOutput
from db.repositories.jobs import with_files
from db.repositories.visibility import Trash, visible_jobs
from db.states import JobState
from db.types import RESULT_ROLE, Visibility


@dataclass(frozen=True, slots=True)
class FoundOutput:
    """A file that an earlier run made just as a new one would."""

    job_id: UUID
    file_name: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a past run took, for estimates. ``seconds`` by stage, as in the run record."""

    seconds: dict[str, float]
    input_megapixels: float
    params: dict[str, Any]
    params_version: int
    used_model: bool
    """False when the run re-used a stored result and no network ran."""


class PastRunRepository:
    """Finds runs that spare others work. Writes nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_outputs(self, actor: Actor, reuse_keys: Collection[str]) -> Mapping[str, FoundOutput]:
        """The newest visible file that was made under each of these keys; of some there is none."""
        place = func.row_number().over(partition_by=JobOutput.reuse_key, order_by=Job.id.desc())
        made = (
            visible_jobs(actor)
            .with_only_columns(
                JobOutput.reuse_key,
                Job.id,
                JobOutput.file_name,
                JobOutput.blob_sha256,
                place.label("place"),
            )
            .join(JobOutput, JobOutput.job_id == Job.id)
            .where(JobOutput.reuse_key.in_(reuse_keys))
            .subquery()
        )
        newest = (
            select(made.c.reuse_key, made.c.id, made.c.file_name, Blob)
            .join(Blob, Blob.sha256 == made.c.blob_sha256)
            .where(made.c.place == 1)
        )
        return {key: FoundOutput(*found) for key, *found in self._session.execute(newest)}

    def find_runs(
        self, actor: Actor, tool: str, input_sha256s: Collection[str], *, limit: int
    ) -> Mapping[str, Sequence[Job]]:
        """Visible runs of ``tool`` on each of these very pictures, with their files.

        By picture, up to ``limit`` of each, the newest first; of a picture without any, nothing.
        """
        place = func.row_number().over(partition_by=JobInput.blob_sha256, order_by=Job.id.desc())
        ranked = (
            visible_jobs(actor)
            .with_only_columns(Job.id, JobInput.blob_sha256, place.label("place"))
            .join(JobInput, JobInput.job_id == Job.id)
            .where(Job.tool == tool)
            .where(JobInput.blob_sha256.in_(input_sha256s), JobInput.role == Job.main_role)
            .subquery()
        )
        statement = (
            select(ranked.c.blob_sha256, Job)
            .join(ranked, ranked.c.id == Job.id)
            .where(ranked.c.place <= limit)
            .order_by(Job.id.desc())
            .options(joinedload(Job.owner), *with_files())
        )
        found: dict[str, list[Job]] = {}
        for sha256, job in self._session.execute(statement):
            found.setdefault(sha256, []).append(job)
        return found

    def find_private_results(self, actor: Actor, sha256s: Collection[str]) -> set[str]:
        """Which of these files are results of private runs that are visible, and of no other."""
        made = (
            visible_jobs(actor, Trash.INCLUDED)
            .with_only_columns(JobOutput.blob_sha256)
            .select_from(Job)
            .join(JobOutput, JobOutput.job_id == Job.id)
            .where(JobOutput.blob_sha256.in_(sha256s), JobOutput.role == RESULT_ROLE)
            .group_by(JobOutput.blob_sha256)
            .having(func.count().filter(Job.visibility == Visibility.TEAM) == 0)
        )
        return set(self._session.scalars(made))

    def find_private_runs(self, actor: Actor, job_ids: Collection[UUID]) -> set[UUID]:
        """Which of these runs are private and visible, also in the trash."""
        private = visible_jobs(actor, Trash.INCLUDED).with_only_columns(Job.id)
        chosen = private.where(Job.id.in_(job_ids), Job.visibility == Visibility.PRIVATE)
        return set(self._session.scalars(chosen))

    def has_made(self, actor: Actor, job_id: UUID, sha256s: Collection[str]) -> bool:
        """Whether the result of this run, if it is visible, is one of these files."""
        made = (
            visible_jobs(actor, Trash.INCLUDED)
            .with_only_columns(Job.id)
            .join(JobOutput, JobOutput.job_id == Job.id)
            .where(Job.id == job_id, JobOutput.blob_sha256.in_(sha256s))
            .where(JobOutput.role == RESULT_ROLE, JobOutput.position == 0)
        )
        return self._session.scalar(made) is not None

    def timings(self, tool: str, model: str, limit: int = 50) -> Sequence[Timing]:
        """How long the newest finished runs took, whoever's they were; names nobody."""
        statement = (
            select(Job.record, Job.params, Job.params_version)
            .where(Job.tool == tool, Job.model == model, Job.state == JobState.SUCCEEDED)
            .order_by(Job.id.desc())
            .limit(limit)
        )
        return [
            Timing(
                seconds=record["seconds"],
                input_megapixels=record["input_megapixels"],
                params=params,
                params_version=params_version,
                used_model=bool(record["weights"]),
            )
            for record, params, params_version in self._session.execute(statement)
        ]
