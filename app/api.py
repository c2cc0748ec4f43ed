"""The REST interface, for scripts: the same tools, parameter names and refusals as the pages.

A script signs in with an API token (``Authorization: Bearer …``); a page's own scripts use the
session cookie, and then whatever changes something must come from the studio's own origin.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData, UploadFile

from app import consent, saved_faces
from app.api_views import (
    Cancelled,
    ConsentView,
    Deleted,
    ErrorView,
    JobList,
    JobView,
    SavedFaceView,
    Submitted,
    ToolView,
    given_roles,
    job_view,
    saved_face_view,
    summary,
    tool_view,
)
from app.routes import visitor_of
from app.runs import get_run, listed
from app.security import identify, identify_script, is_same_origin
from app.switches import switched_off
from db.actor import Actor
from db.errors import RecordError
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Visibility
from studio.errors import RetriableError, StorageError, StudioError, UserInputError
from studio.params import parse_params
from studio.tools.spec import DRAWING_ROLE, TOOLS, ToolSpec, get_tool
from tasks import submit as jobs
from tasks.services import Services
from tasks.submit import Item, StoredFile

_FORM_OVERHEAD_BYTES = 1_000_000
_SHARED_FILES = 16
"""Files besides the pictures themselves, such as source faces, that one request may hold."""
_STATUS_BY_CODE = {
    "consent.missing": 403,
    "face.not_found": 404,
    "image.too_many_bytes": 413,
    "job.not_found": 404,
    "request.not_our_origin": 403,
    "request.not_signed_in": 401,
    "request.too_large": 413,
    "tool.switched_off": 403,
    "tool.unknown": 404,
}


def create_api(services: Services) -> FastAPI:
    """The application to be mounted under ``/api``."""
    # Its browsable documentation would fetch scripts from another host.
    api = FastAPI(title="Darkroom", version="1", docs_url=None, redoc_url=None)
    api.state.services = services
    api.include_router(_router, prefix="/v1")
    api.add_exception_handler(StudioError, _refuse)
    api.add_exception_handler(RecordError, _refuse)
    api.add_exception_handler(RequestValidationError, _refuse_request)
    return api


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _actor(request: Request) -> Actor:
    services = _services(request)
    actor = identify_script(services, request)
    if actor is not None:
        return actor
    signed_in = identify(services, request)
    if signed_in is None or signed_in.must_change_password:
        raise StudioError("Sign in first.", code="request.not_signed_in")
    if request.method not in ("GET", "HEAD") and not is_same_origin(request, services.settings):
        raise StudioError(
            "This request was not sent from the studio's own page.", code="request.not_our_origin"
        )
    return signed_in.actor


Asks = Annotated[Actor, Depends(_actor)]
Uses = Annotated[Services, Depends(_services)]

_router = APIRouter(
    responses={code: {"model": ErrorView} for code in (401, 403, 404, 413, 422, 503)}
)


@_router.get("/tools")
def list_tools(_actor: Asks, services: Uses) -> list[ToolView]:
    """Every tool."""
    off = switched_off(services)
    return [tool_view(spec, is_on=spec.name not in off) for spec in TOOLS.values()]


@_router.get("/tools/{tool}/consent")
def show_consent(actor: Asks, services: Uses, tool: str) -> ConsentView:
    """What this tool asks me to confirm before my first run."""
    return ConsentView(
        statement=get_tool(tool).consent, is_given=consent.has_consented(services, actor, tool)
    )


@_router.post("/tools/{tool}/consent")
def give_consent(actor: Asks, services: Uses, request: Request, tool: str) -> ConsentView:
    """Confirm the tool's statement; the audit log keeps who did and when."""
    consent.give_consent(services, actor, tool, visitor_of(request))
    return show_consent(actor, services, tool)


async def _form(request: Request, services: Uses, _actor: Asks) -> FormData:
    settings = services.settings
    most = settings.max_upload_bytes * (settings.max_files_per_run + 1) + _FORM_OVERHEAD_BYTES
    if int(request.headers.get("content-length", most + 1)) > most:
        raise StudioError(
            f"A request may hold at most {most} bytes and must say how long it is.",
            code="request.too_large",
        )
    return await request.form(
        max_files=settings.max_files_per_run + _SHARED_FILES, max_fields=4 + _SHARED_FILES
    )


@_router.post(
    "/jobs",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["tool", "image"],
                        "properties": {
                            "tool": {"type": "string"},
                            "params": {"type": "string", "description": "a JSON object"},
                            "visibility": {"enum": [each.value for each in Visibility]},
                            "batch_name": {"type": "string"},
                            "image": {
                                "type": "array",
                                "items": {"type": "string", "format": "binary"},
                                "description": "one run for each; other roles are fields of "
                                "their own name and are shared by all",
                            },
                            "source": {
                                "type": "array",
                                "items": {"type": "string", "format": "binary"},
                                "description": "for tools that take it, repeatable; a file, or "
                                "the id of one of my saved faces",
                            },
                        },
                    }
                }
            },
        }
    },
)
def submit_jobs(
    actor: Asks, services: Uses, form: Annotated[FormData, Depends(_form)]
) -> Submitted:
    """Queue one run for each ``image``; several make a batch."""
    spec = get_tool(_text(form, "tool"))
    params = parse_params(spec.name, _json(form, "params"))
    visibility = _visibility(_text(form, "visibility") or Visibility.TEAM)
    job_ids = jobs.submit(
        services,
        actor,
        spec.name,
        params,
        _items(services, actor, spec, form),
        batch_name=_text(form, "batch_name"),
        visibility=visibility,
    )
    return Submitted(job_ids=job_ids)


@_router.get("/faces")
def list_faces(actor: Asks, services: Uses) -> list[SavedFaceView]:
    """My saved faces, which nobody else sees, newest first."""
    return [saved_face_view(face) for face in saved_faces.saved_faces(services, actor)]


@_router.post("/faces", status_code=201)
def save_face(
    actor: Asks, services: Uses, form: Annotated[FormData, Depends(_form)]
) -> SavedFaceView:
    """Keep a picture of a face, ``image``, in my library under a ``name``."""
    image = form.get("image")
    if not isinstance(image, UploadFile):
        raise UserInputError(
            "There is no picture to keep", remedy="Send it as “image”.", code="submit.empty"
        )
    file = _store(services, "image", image)
    face = saved_faces.save_face(services, actor, file, _text(form, "name"))
    return saved_face_view(saved_faces.find_face(services, actor, face.id))


@_router.delete("/faces/{face_id}")
def delete_face(actor: Asks, services: Uses, request: Request, face_id: UUID) -> Deleted:
    """Take a face out of my library."""
    is_gone = saved_faces.delete_face(services, actor, face_id, visitor_of(request))
    return Deleted(deleted=is_gone)


@_router.get("/jobs")
def list_jobs(
    actor: Asks,
    services: Uses,
    tool: str | None = None,
    state: JobState | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 24,
) -> JobList:
    """Runs that I may see, newest first."""
    with services.database.read() as unit:
        filters = JobFilters(tool=tool, state=state, text=text)
        page = JobRepository(unit).page(actor, listed(filters), limit, cursor)
    return JobList(jobs=[summary(row) for row in page.rows], next=page.next_cursor)


@_router.get("/jobs/{job_id}")
def show_job(actor: Asks, services: Uses, job_id: UUID) -> JobView:
    """A run with its parameters, record and files."""
    job = get_run(services, actor, job_id)
    if job is None:
        raise StudioError("There is no such run, or it is private.", code="job.not_found")
    return job_view(services, job)


@_router.post("/jobs/{job_id}/cancel")
def cancel_job(actor: Asks, services: Uses, job_id: UUID) -> Cancelled:
    """Stop a run that waits or works."""
    return Cancelled(cancelled=jobs.cancel(services, actor, job_id))


@_router.post("/jobs/{job_id}/rerun", status_code=202)
def rerun_job(actor: Asks, services: Uses, job_id: UUID) -> Submitted:
    """Queue the same inputs and parameters again."""
    return Submitted(job_ids=[jobs.rerun(services, actor, job_id)])


def _items(services: Services, actor: Actor, spec: ToolSpec, form: FormData) -> list[Item]:
    main, *others = given_roles(spec)
    shared: dict[str, StoredFile | Sequence[StoredFile]] = {}
    for role in others:
        files = [_given(services, actor, role, value) for value in form.getlist(role)]
        if files:
            shared[role] = files if role in spec.repeatable_roles else _only(role, files)
    return [
        {main: _store(services, main, upload), **shared}
        for upload in form.getlist(main)
        if isinstance(upload, UploadFile)
    ]


def _given(services: Services, actor: Actor, role: str, value: UploadFile | str) -> StoredFile:
    """A file, or the id of a saved face."""
    if isinstance(value, UploadFile):
        return _store(services, role, value)
    try:
        face_id = UUID(value)
    except ValueError as error:
        raise UserInputError(
            f"{role}: this is neither a file nor the id of a saved face",
            remedy="Send a file.",
            code="request.invalid",
        ) from error
    return saved_faces.stored_face(saved_faces.find_face(services, actor, face_id))


def _only(role: str, files: Sequence[StoredFile]) -> StoredFile:
    if len(files) > 1:
        raise UserInputError(
            f"{role}: {len(files)} files were given", remedy="Send one.", code="submit.role"
        )
    return files[0]


def _store(services: Services, role: str, upload: UploadFile) -> StoredFile:
    store = jobs.store_drawing if role == DRAWING_ROLE else jobs.store_upload
    return store(services, upload.filename or role, upload.file.read())


def _text(form: FormData, field: str) -> str:
    value = form.get(field, "")
    if not isinstance(value, str):
        raise UserInputError(
            f"{field}: this is a file", remedy="Send it as text.", code="request.invalid"
        )
    return value


def _json(form: FormData, field: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(form, field) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UserInputError(
            f"{field}: this is not a JSON object",
            remedy='Send one such as {"format": "png"}.',
            code="params.invalid",
        )
    return value


def _visibility(value: str) -> Visibility:
    try:
        return Visibility(value)
    except ValueError as error:
        raise UserInputError(
            f"visibility: {value!r} is not known",
            remedy=f"Choose one of {', '.join(Visibility)}.",
            code="request.invalid",
        ) from error


def _refuse(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, StudioError | RecordError):
        raise error
    headers = {}
    if isinstance(error, RetriableError):
        headers["Retry-After"] = str(round(error.delay_s) + 1)
    content: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, UserInputError) and error.regions:
        content["regions"] = [asdict(region) for region in error.regions]
    return JSONResponse(content, _status(error), headers=headers)


def _refuse_request(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"code": "request.invalid", "message": f"{field}: {first['msg']}."}, 422)


def _status(error: StudioError | RecordError) -> int:
    if error.code in _STATUS_BY_CODE:
        return _STATUS_BY_CODE[error.code]
    if error.code.startswith("permission."):
        return 403
    return 503 if isinstance(error, RetriableError | StorageError) else 422
