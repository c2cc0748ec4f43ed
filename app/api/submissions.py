"""From forms to what shall run: the files they hold or name, and the tool's parameters."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from starlette.datastructures import FormData, UploadFile

from app.api import fields
from app.api.refusals import invalid
from app.faces import library as saved_faces
from db.actor import Actor
from studio.errors import UserInputError
from studio.params import ToolParams
from studio.tools.registry import load_params, parse_params
from studio.tools.spec import Media, ToolRole, ToolSpec
from studio.words import msg
from tasks import submit as jobs
from tasks.files import StoredFile
from tasks.requests import JOB, ResultOf, RunItem, whole_number
from tasks.services import Services


def read_items(services: Services, actor: Actor, spec: ToolSpec, form: FormData) -> list[RunItem]:
    """One item for each file in the main role, with those in the other roles."""
    main, *others = (role.name for role in spec.roles)
    overrides = fields.read_overrides(form, len(fields.files_or_names(form, main)))
    taken = {
        role.name: fields.all_or_none(
            partial(take_file, services, actor, role), fields.files_or_names(form, role.name)
        )
        for role in spec.roles
    }
    shared = {role: taken[role] for role in others if taken[role]}
    return [
        RunItem({main: [picture], **shared}, own)
        for picture, own in zip(taken[main], overrides, strict=True)
    ]


def take_file(
    services: Services, actor: Actor, role: ToolRole, value: UploadFile | str
) -> StoredFile | ResultOf:
    """A file, what a job makes, or the id of a saved face."""
    if isinstance(value, UploadFile):
        return store_file(services, actor, role, value)
    if value.startswith(JOB):
        return _result(role, value)
    try:
        face_id = UUID(value)
    except ValueError as error:
        reason = msg("this is neither a file nor the result of a job nor the id of a saved face")
        raise invalid(role.name, reason, msg("Send a file, or {job}ID/ROLE.", job=JOB)) from error
    return saved_faces.stored_face(saved_faces.find_face(services, actor, face_id))


def _result(role: ToolRole, value: str) -> ResultOf:
    try:
        return ResultOf.parse(value)
    except ValueError as error:
        remedy = msg("Send {job}ID, {job}ID/ROLE or {job}ID/ROLE/POSITION.", job=JOB)
        raise invalid(role.name, msg("this does not name the result of a job"), remedy) from error


def store_file(services: Services, actor: Actor, role: ToolRole, upload: UploadFile) -> StoredFile:
    """Check and store one file.

    Raises:
        UserInputError: it is refused.
        RetriableError: too many files are being read.

    """
    file_name = upload.filename or role.name
    if role.media is Media.DRAWING:
        return jobs.store_drawing(services, file_name, upload.file, owner=actor.id)
    return jobs.store_upload(services, file_name, upload.file, owner=actor.id)


def read_tool_params(spec: ToolSpec, form: FormData) -> ToolParams:
    """Those given, in today's names unless the version says that they were saved earlier."""
    values, version = fields.read_params(form), fields.read_text(form, "params_version")
    if not version:
        return parse_params(spec.name, values)
    try:
        number = whole_number(version)
    except ValueError as error:
        raise UserInputError(
            msg("params_version: this is not a whole number from 1"),
            remedy=msg("Send the one of the recipe, or none."),
            code="params.invalid",
        ) from error
    return load_params(spec.name, number, values)
