"""What REST shows: the shapes of its answers, and how rows become them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.ui.links import download_url
from db.models import Job, JobInput, JobOutput, SavedFace
from db.repositories.history import JobRow
from db.states import JobState
from db.types import Visibility
from studio.errors import Region
from studio.tools.spec import ToolSpec
from tasks.services import Services
from tasks.status import position


class ToolView(BaseModel):
    """A tool: its name, the files it reads by role, and the JSON schema of its parameters.

    ``consent`` is what a person confirms before the first run, ``is_on`` whether it may be run.
    """

    name: str
    title: str
    version: int
    required_roles: list[str]
    optional_roles: list[str]
    repeatable_roles: list[str]
    is_on: bool
    consent: str
    params: dict[str, Any]


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


class ErrorView(BaseModel):
    """Why something failed or was refused: a stable code and a sentence.

    ``regions`` are the parts of the main picture that the sentence speaks of.
    """

    code: str
    message: str
    regions: list[Region] = []


class ConsentView(BaseModel):
    """What a tool asks to be confirmed, and whether this person has."""

    statement: str
    is_given: bool


class SavedFaceView(BaseModel):
    """A face of this person's private library."""

    id: UUID
    name: str
    file_name: str
    sha256: str
    width_px: int | None
    height_px: int | None
    created_at: datetime


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


class JobView(JobSummary):
    """A run with all that is known of it."""

    stage: str
    place: int | None
    parent_id: UUID | None
    batch_id: UUID | None
    params: dict[str, Any]
    record: dict[str, Any] | None
    inputs: list[FileView]
    outputs: list[FileView]


class JobList(BaseModel):
    """One page of runs, newest first; ``next`` is the cursor of older ones."""

    jobs: list[JobSummary]
    next: str | None


class Submitted(BaseModel):
    """The runs that were queued, in the order of their files."""

    job_ids: list[UUID]


class Deleted(BaseModel):
    """Whether there was something to delete."""

    deleted: bool


class Cancelled(BaseModel):
    """Whether the run was still there to be cancelled."""

    cancelled: bool


def tool_view(spec: ToolSpec, *, is_on: bool) -> ToolView:
    """The tool as REST shows it; roles that only the studio fills are left out."""
    return ToolView(
        name=spec.name,
        title=spec.title,
        version=spec.version,
        required_roles=list(spec.required_roles),
        optional_roles=list(given_roles(spec)[len(spec.required_roles) :]),
        repeatable_roles=list(spec.repeatable_roles),
        is_on=is_on,
        consent=spec.consent,
        params=spec.params.model_json_schema(),
    )


def given_roles(spec: ToolSpec) -> tuple[str, ...]:
    """The roles that a caller may fill, the required ones first."""
    made = spec.reuse.role if spec.reuse else None
    roles = (*spec.required_roles, *spec.optional_roles)
    return tuple(role for role in roles if role != made)


def saved_face_view(face: SavedFace) -> SavedFaceView:
    """A saved face as REST shows it."""
    return SavedFaceView(
        id=face.id,
        name=face.name,
        file_name=face.file_name,
        sha256=face.blob_sha256,
        width_px=face.blob.width_px,
        height_px=face.blob.height_px,
        created_at=face.created_at,
    )


def summary(row: JobRow) -> JobSummary:
    """A line of the history as REST shows it."""
    return JobSummary(
        id=row.id,
        tool=row.tool,
        title=row.title,
        state=row.state,
        progress=row.progress,
        owner=row.owner_name,
        visibility=row.visibility,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=_error_view(row.error_code, row.error_message),
    )


def job_view(services: Services, job: Job) -> JobView:
    """A run with its files as REST shows it."""
    return JobView(
        id=job.id,
        tool=job.tool,
        title=job.title,
        state=job.state,
        progress=job.progress,
        owner=job.owner.name,
        visibility=job.visibility,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error=_error_view(job.error_code, job.error_message, job.error_regions),
        stage=job.stage,
        place=position(services, job.id),
        parent_id=job.parent_id,
        batch_id=job.batch_id,
        params=job.params,
        record=job.record,
        inputs=[_file_view(file) for file in job.inputs],
        outputs=[_file_view(file) for file in job.outputs],
    )


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
    code: str | None, message: str | None, regions: Sequence[dict[str, Any]] = ()
) -> ErrorView | None:
    if not code:
        return None
    marked = [Region(**region) for region in regions]
    return ErrorView(code=code, message=message or "", regions=marked)
