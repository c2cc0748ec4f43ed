"""Runs as the doors for scripts tell of them, REST and ``studio jobs``: as JSON of these shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.language import said
from app.runs.addresses import download_url
from app.runs.parameters import params_fault, values_of, version_of
from app.runs.reading import count_steps, joint_progress, listed, surroundings
from app.runs.records import said_record, said_region
from db.actor import Actor
from db.models import Job, JobInput, JobOutput
from db.repositories.history import JobFilters, JobRow
from db.repositories.jobs import JobRepository
from db.repositories.needs import NeedRepository, Steps
from db.states import JobState
from db.types import Visibility
from studio.errors import Region
from studio.words import Message
from tasks.services import Services


class FileView(BaseModel):
    """A file of a run and where to fetch it."""

    id: UUID
    role: str
    file_name: str
    sha256: str
    media_type: str
    size_bytes: int
    width_px: int | None
    height_px: int | None
    url: str


class RegionView(BaseModel):
    """A part of the main picture, in parts of its sides, and what there is to say of it."""

    left: float
    top: float
    width: float
    height: float
    label: str
    text: str
    is_fault: bool


class ErrorView(BaseModel):
    """Why something failed or was refused: a stable code and a sentence.

    ``regions`` are the parts of the main picture that the sentence speaks of.
    """

    code: str
    message: str
    regions: list[RegionView] = []


class JobSummary(BaseModel):
    """A run as lists show it."""

    id: UUID
    tool: str
    title: str
    state: JobState
    progress: float
    owner: str
    visibility: Visibility
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: ErrorView | None


class StepsView(BaseModel):
    """How many steps of a chain are done, and how many there are, the run itself as the last."""

    total: int
    done: int


class JobView(JobSummary):
    """A run with all that is known of it.

    ``waits_for`` are the runs whose results it has yet to get, or never got.
    """

    stage: str
    place: int | None
    waits_for: list[UUID]
    steps: StepsView | None
    parent_id: UUID | None
    batch_id: UUID | None
    params: dict[str, Any]
    """By today's names; as they were kept where ``params_error`` says why they cannot be read."""
    params_version: int
    params_error: ErrorView | None
    record: dict[str, Any] | None
    inputs: list[FileView]
    outputs: list[FileView]


class JobList(BaseModel):
    """One page of runs, newest first; ``next`` is the cursor of older ones."""

    jobs: list[JobSummary]
    next: str | None


def job_list(
    services: Services, actor: Actor, filters: JobFilters, *, limit: int, cursor: str | None
) -> JobList:
    """A page of the runs that the person may see and that match ``filters``.

    Raises:
        InvalidCursorError: the cursor is not one that a page gave.

    """
    with services.database.read() as session:
        page = JobRepository(session).page(actor, listed(filters), limit, cursor)
        steps = NeedRepository(session).steps(row.id for row in page.rows)
    jobs = [JobSummary(**_line(row, row.owner_name, steps.get(row.id))) for row in page.rows]
    return JobList(jobs=jobs, next=page.next_cursor)


def job_view(services: Services, actor: Actor, job: Job) -> JobView:
    """A run with its files."""
    fault, around = params_fault(job), surroundings(services, actor, job)
    done, total = count_steps(job.state, around.steps) if around.steps else (0, 0)
    return JobView(
        **_line(job, job.owner.name, around.steps, job.error_regions),
        stage=job.stage,
        place=around.place,
        waits_for=list(around.waits_for),
        steps=StepsView(total=total, done=done) if total else None,
        parent_id=around.parent_id,
        batch_id=job.batch_id,
        params=values_of(job),
        params_version=version_of(job),
        params_error=_error_view(fault.code, fault.message) if fault else None,
        record=said_record(job.record) if job.record else None,
        inputs=[_file_view(file) for file in job.inputs],
        outputs=[_file_view(file) for file in job.outputs],
    )


def _line(
    run: Job | JobRow, owner: str, steps: Steps | None, regions: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """The values of a ``JobSummary``."""
    return {
        "id": run.id,
        "tool": run.tool,
        "title": run.title,
        "state": run.state,
        "progress": joint_progress(run, steps),
        "owner": owner,
        "visibility": run.visibility,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "error": _error_view(run.error_code, run.error_message, regions),
    }


def _file_view(file: JobInput | JobOutput) -> FileView:
    return FileView(
        id=file.id,
        role=file.role,
        file_name=file.file_name,
        sha256=file.blob_sha256,
        media_type=file.blob.media_type,
        size_bytes=file.blob.size_bytes,
        width_px=file.blob.width_px,
        height_px=file.blob.height_px,
        url=download_url(file),
    )


def _error_view(
    code: str | None, message: Message | None, regions: Sequence[dict[str, Any]] = ()
) -> ErrorView | None:
    if not code:
        return None
    marked = [RegionView(**said_region(Region.from_json(region))) for region in regions]
    return ErrorView(code=code, message=said(message) if message else "", regions=marked)
