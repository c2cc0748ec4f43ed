"""What REST alone shows: the shapes of its answers, and how rows become them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.language import said
from db.models import SavedFace
from db.types import Visibility
from studio.params import ToolParams
from studio.tools.spec import Media, ToolRole, ToolSpec
from studio.words import Message


class RoleView(BaseModel):
    """A place for input files: its name and title, what such a file is for, and of what kind it is.

    ``max_files`` is how many of them one run takes.
    """

    name: str
    title: str
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
    """The tool in the reader's language."""
    return ToolView(
        name=spec.name,
        title=said(Message(spec.title)),
        summary=said(Message(spec.summary)),
        version=spec.version,
        roles=[
            _role_view(spec.role(name)) for name in (*spec.required_roles, *spec.optional_roles)
        ],
        required_roles=list(spec.required_roles),
        optional_roles=list(spec.optional_roles),
        repeatable_roles=list(spec.repeatable_roles),
        is_on=is_on,
        consent=consent_statement(spec),
        params=_params_schema(spec.params),
    )


def consent_statement(spec: ToolSpec) -> str:
    """What the tool asks to be confirmed, in the reader's language; empty when nothing."""
    return said(Message(spec.consent.statement)) if spec.consent else ""


def _role_view(role: ToolRole) -> RoleView:
    words = {"title": said(Message(role.title)), "help": said(Message(role.help))}
    return RoleView(**asdict(role) | words, is_repeatable=role.is_repeatable)


def _params_schema(params: type[ToolParams]) -> dict[str, Any]:
    """The JSON schema, its fields titled and described in the reader's language.

    What Python calls its classes, and tells who reads them, is left out.
    """
    schema = params.model_json_schema()
    for shape in (schema, *schema.get("$defs", {}).values()):
        for field in shape.get("properties", {}).values():
            for words in field.keys() & {"title", "description"}:
                field[words] = said(Message(field[words]))
        for words in shape.keys() & {"title", "description"}:
            del shape[words]
    return schema


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
