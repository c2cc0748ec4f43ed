"""The REST interface, for scripts: the same tools, parameter names and refusals as the pages.

A script signs in with an API token (``Authorization: Bearer …``); a page's own scripts use the
session cookie, and then whatever changes something must come from the studio's own origin.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData, UploadFile

from app.api_views import (
    Cancelled,
    ErrorView,
    JobList,
    JobView,
    Submitted,
    ToolView,
    job_view,
    summary,
    tool_view,
)
from app.runs import get_run
from app.security import identify, identify_script, is_same_origin
from db.actor import Actor
from db.errors import RecordError
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Visibility
from studio.errors import RetriableError, StorageError, StudioError, UserInputError
from studio.params import parse_params
from studio.tools.spec import TOOLS, ToolSpec, get_tool
from tasks import submit as jobs
from tasks.services import Services
from tasks.submit import StoredFile

_FORM_OVERHEAD_BYTES = 1_000_000
_STATUS_BY_CODE = {
    "image.too_many_bytes": 413,
    "job.not_found": 404,
    "request.not_our_origin": 403,
    "request.not_signed_in": 401,
    "request.too_large": 413,
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
def list_tools(_actor: Asks) -> list[ToolView]:
    """Every tool."""
    return [tool_view(spec) for spec in TOOLS.values()]


async def _form(request: Request, services: Uses, _actor: Asks) -> FormData:
    settings = services.settings
    most = settings.max_upload_bytes * (settings.max_files_per_run + 1) + _FORM_OVERHEAD_BYTES
    if int(request.headers.get("content-length", most + 1)) > most:
        raise StudioError(
            f"A request may hold at most {most} bytes and must say how long it is.",
            code="request.too_large",
        )
    return await request.form(max_files=settings.max_files_per_run + 8, max_fields=8)


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
        _items(services, spec, form),
        batch_name=_text(form, "batch_name"),
        visibility=visibility,
    )
    return Submitted(job_ids=job_ids)


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
        page = JobRepository(unit).page(actor, filters, limit, cursor)
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


def _items(services: Services, spec: ToolSpec, form: FormData) -> list[dict[str, StoredFile]]:
    main, *others = spec.required_roles
    shared = {
        role: _store(services, upload)
        for role in (*others, *spec.optional_roles)
        for upload in form.getlist(role)
        if isinstance(upload, UploadFile)
    }
    return [
        {main: _store(services, upload), **shared}
        for upload in form.getlist(main)
        if isinstance(upload, UploadFile)
    ]


def _store(services: Services, upload: UploadFile) -> StoredFile:
    return jobs.store_upload(services, upload.filename or "picture", upload.file.read())


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
    content = {"code": error.code, "message": error.message}
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
