"""What REST alone shows: the shapes of its answers, and how rows become them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from db.models import SavedFace
from db.types import Visibility
from studio.tools.spec import Media, ToolRole, ToolSpec


class RoleView(BaseModel):
    """A place for input files: its name, what such a file is for, and of what kind it is.

    ``max_files`` is how many of them one run takes.
    """

    name: str
    help: str
    media: Media
    is_required: bool
    is_repeatable: bool
    max_files: int


class ToolView(BaseModel):
    """A tool: its name, the files it reads by role, and the JSON schema of its parameters.

    ``consent`` is what a person confirms before the first run, ``is_on`` whether it may be run.
    """

    name: str
    title: str
    summary: str
    version: int
    roles: list[RoleView]
    required_roles: list[str]
    optional_roles: list[str]
    repeatable_roles: list[str]
    is_on: bool
    consent: str
    params: dict[str, Any]


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


class Submitted(BaseModel):
    """The runs that were queued, in the order of their files."""

    job_ids: list[UUID]


class Deleted(BaseModel):
    """Whether there was something to delete."""

    deleted: bool


class Cancelled(BaseModel):
    """Whether the run was still there to be cancelled."""

    cancelled: bool


class Shown(BaseModel):
    """Whom a run is shown to now."""

    visibility: Visibility


class Paused(BaseModel):
    """How a batch stands, and how many of its runs were moved by that."""

    is_paused: bool
    jobs: int


def tool_view(spec: ToolSpec, *, is_on: bool) -> ToolView:
    """The tool as REST shows it; roles that only the studio fills are left out."""
    return ToolView(
        name=spec.name,
        title=spec.title,
        summary=spec.summary,
        version=spec.version,
        roles=[_role_view(spec.role(name)) for name in spec.given_roles],
        required_roles=list(spec.required_roles),
        optional_roles=list(spec.given_roles[len(spec.required_roles) :]),
        repeatable_roles=list(spec.repeatable_roles),
        is_on=is_on,
        consent=spec.consent,
        params=spec.params.model_json_schema(),
    )


def _role_view(role: ToolRole) -> RoleView:
    return RoleView(**asdict(role), is_repeatable=role.is_repeatable)


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
