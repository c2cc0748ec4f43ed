"""The REST interface, for scripts: the same tools, parameter names and refusals as the pages.

A script signs in with an API token (``Authorization: Bearer …``); a page's own scripts use the
session cookie, and then whatever changes something must come from the studio's own origin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Security, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.datastructures import FormData

from app.api import fields
from app.api.chains import chain_schema, read_chain
from app.api.fair_threads import receiving, takes_turns
from app.api.few_at_once import FewAtOnce
from app.api.forms import FormLimits, read_form
from app.api.identity import identify_asker, is_same_origin, visitor_of
from app.api.refusals import STATUSES, answer_errors, invalid, not_identified, not_our_origin
from app.api.submissions import read_items, read_tool_params, store_file
from app.api.views import (
    Cancelled,
    ConsentView,
    Deleted,
    Paused,
    SavedFaceView,
    Shown,
    Submitted,
    ToolView,
    consent_statement,
    saved_face_view,
    tool_view,
)
from app.faces import library as saved_faces
from app.people import consent
from app.people.tool_switches import switched_off
from app.runs.keeping import show_to
from app.runs.reading import require_run
from app.runs.views import ErrorView, JobList, JobView, job_list, job_view
from db.actor import Actor
from db.repositories.history import JobFilters
from db.states import JobState
from db.types import Visibility
from studio.errors import UserInputError
from studio.text import SEARCH_CHARS
from studio.tools.registry import TOOLS, get_tool
from studio.tools.spec import PHOTOGRAPH
from studio.words import msg
from tasks import batches
from tasks import submit as jobs
from tasks.authority import Needs, require_now
from tasks.chains import submit_chain
from tasks.requests import RunRequest
from tasks.services import Services

_FORM_OVERHEAD_BYTES = 1_000_000
_SHARED_FILES = 16
"""Files besides the pictures themselves, such as source faces, that one request may hold."""
_ABOUT = """The tools of the studio for scripts: named, set and refused as on its pages.

Sign in with an API token, made on the page Account: `Authorization: Bearer TOKEN`. Viewers may
read; to run, cancel and save takes a member. Every error is a JSON object with a stable `code` and
a `message` for people. Fields and query parameters that are not known are refused.
"""
_TOKEN = HTTPBearer(
    auto_error=False, scheme_name="token", description="An API token from the page Account."
)
_COOKIE = APIKeyCookie(
    name="studio",
    auto_error=False,
    scheme_name="session",
    description="The studio's own pages; what changes something must come from their origin.",
)


def create_api(services: Services) -> FastAPI:
    """The application to be mounted under ``/api``."""
    # Its own page of documentation would fetch scripts from another host; app.web has ours.
    api = FastAPI(
        title="Darkroom",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": "/api"}],
        root_path_in_servers=False,
    )
    api.state.services = services
    api.include_router(_router)
    api.add_api_route("/openapi.json", _describe, include_in_schema=False)
    answer_errors(api)
    api.add_middleware(FewAtOnce, identify=partial(identify_asker, services))
    return api


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _actor(
    request: Request,
    _token: Annotated[object, Security(_TOKEN)],
    _cookie: Annotated[object, Security(_COOKIE)],
) -> Actor:
    services = _services(request)
    actor: Actor | None = request.state.asker
    if actor is None:
        raise not_identified()
    is_change = request.method not in ("GET", "HEAD")
    if is_change and actor.token_id is None and not is_same_origin(request, services.settings):
        raise not_our_origin()
    return actor


Asks = Annotated[Actor, Depends(_actor)]


def _runner(request: Request, actor: Asks) -> Actor:
    return require_now(_services(request), actor, Needs.RUNNING)


Runs = Annotated[Actor, Depends(_runner)]
"""Somebody who may run: asked before their files are taken in."""
Uses = Annotated[Services, Depends(_services)]


def _require_known_query(request: Request, _actor: Asks) -> None:
    """Refuse query parameters that this address does not have, or that come twice."""
    declared = get_flat_params(request.scope["route"].dependant)
    known = [field.alias for field in declared if isinstance(field.field_info, params.Query)]
    for name in request.query_params:
        if name not in known:
            remedy = (
                msg("Known are {known}.", known=tuple(known)) if known else msg("Leave it out.")
            )
            raise invalid(name, msg("there is no such query parameter"), remedy)
        if len(request.query_params.getlist(name)) > 1:
            raise invalid(name, msg("this was sent more than once"), msg("Send it once."))


def _describe(request: Request, _actor: Asks) -> dict[str, Any]:
    """The description of the interface in the form of OpenAPI."""
    app: FastAPI = request.app
    return app.openapi()


_router = APIRouter(
    prefix="/v1",
    dependencies=[Depends(_require_known_query)],
    responses={
        status: {"model": ErrorView, "description": meaning} for status, meaning in STATUSES.items()
    },
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
        statement=consent_statement(get_tool(tool)),
        is_given=consent.has_consented(services, actor, tool),
    )


@_router.post("/tools/{tool}/consent")
def give_consent(actor: Asks, services: Uses, request: Request, tool: str) -> ConsentView:
    """Confirm the tool's statement; the audit log keeps who did and when."""
    consent.give_consent(services, actor, tool, visitor_of(request))
    return show_consent(actor, services, tool)


async def _form(request: Request, services: Uses, actor: Runs) -> AsyncIterator[FormData]:
    fields.require_readable(request)
    settings = services.settings
    most = settings.max_upload_bytes * (settings.max_files_per_run + 1) + _FORM_OVERHEAD_BYTES
    max_files = settings.max_files_per_run + _SHARED_FILES
    limits = FormLimits(
        max_bytes=most,
        max_file_bytes=settings.max_upload_bytes,
        max_files=max_files,
        max_fields=len(fields.SUBMIT_TEXTS) + max_files,  # a file may be named by a text
    )
    async with receiving().turn(actor.id):
        form = await read_form(request, limits)
        try:
            yield form
        finally:
            await form.close()


@_router.post("/jobs", status_code=202, openapi_extra=fields.submit_schema())
@takes_turns
def submit_jobs(
    actor: Asks, services: Uses, form: Annotated[FormData, Depends(_form)]
) -> Submitted:
    """Queue one run for each file in the tool's first role; several make a batch.

    A run that takes what another makes waits for it.
    """
    name = fields.read_text(form, "tool")
    if not name:
        raise invalid("tool", msg("this is missing"), msg("Name the tool to run."))
    spec = get_tool(name)
    jobs.require_may_submit(services, actor, spec.name)
    fields.require_known(form, fields.fields_of(spec))
    request = RunRequest(
        read_tool_params(spec, form),
        read_items(services, actor, spec, form),
        batch_name=fields.read_text(form, "batch_name"),
        visibility=fields.read_visibility(form),
    )
    return Submitted(job_ids=jobs.submit(services, actor, request))


@_router.post("/chains", status_code=202, openapi_extra=chain_schema())
@takes_turns
def submit_chains(
    actor: Asks, services: Uses, form: Annotated[FormData, Depends(_form)]
) -> Submitted:
    """Queue tools one after another on each picture; the ids are those of the last ones.

    What is before the last is a hidden step of that run: lists leave it out, and the run counts it
    in its progress, ends with it when it fails, and cancels it when it is cancelled.
    """
    chain = read_chain(services, actor, form)
    return Submitted(job_ids=submit_chain(services, actor, chain))


@_router.get("/faces")
def list_faces(actor: Asks, services: Uses) -> list[SavedFaceView]:
    """My saved faces, which nobody else sees, newest first."""
    return [saved_face_view(face) for face in saved_faces.saved_faces(services, actor)]


@_router.post("/faces", status_code=201, openapi_extra=fields.face_schema())
@takes_turns
def save_face(
    actor: Asks, services: Uses, form: Annotated[FormData, Depends(_form)]
) -> SavedFaceView:
    """Keep a picture of a face, ``image``, in my library under a ``name``."""
    fields.require_known(form, (PHOTOGRAPH.name, "name"))
    images = fields.read_files(form, PHOTOGRAPH.name)
    if len(images) != 1:
        raise UserInputError(
            msg("One picture is kept at a time"),
            remedy=msg("Send one as “image”."),
            code="submit.empty",
        )
    [image] = images
    file = store_file(services, actor, PHOTOGRAPH, image)
    face = saved_faces.save_face(services, actor, file, fields.read_text(form, "name"))
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
    tool: Annotated[str | None, Query(max_length=32, description="of this tool alone")] = None,
    state: Annotated[JobState | None, Query(description="in this state alone")] = None,
    text: Annotated[
        str,
        Query(
            max_length=SEARCH_CHARS,
            description="words that all occur in file name, model, batch, tags or note",
        ),
    ] = "",
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="runs on a page")] = 24,
) -> JobList:
    """Runs that I may see, newest first."""
    filters = JobFilters(tool=tool, state=state, text=text)
    return job_list(services, actor, filters, limit=limit, cursor=cursor)


@_router.get("/jobs/{job_id}")
def show_job(actor: Asks, services: Uses, job_id: UUID) -> JobView:
    """A run with its parameters, record and files."""
    return job_view(services, actor, require_run(services, actor, job_id))


@_router.post("/jobs/{job_id}/cancel")
def cancel_job(actor: Asks, services: Uses, job_id: UUID) -> Cancelled:
    """Stop a run that waits or works."""
    return Cancelled(cancelled=jobs.cancel(services, actor, job_id))


@_router.post("/jobs/{job_id}/visibility")
def show_job_to(
    actor: Asks,
    services: Uses,
    job_id: UUID,
    visibility: Annotated[Visibility, Query(description="who sees it")],
) -> Shown:
    """Show my run to the team, or to me and the admins alone."""
    show_to(services, actor, job_id, visibility)
    return Shown(visibility=visibility)


@_router.post("/jobs/{job_id}/rerun", status_code=202)
def rerun_job(actor: Asks, services: Uses, job_id: UUID) -> Submitted:
    """Queue the same inputs and parameters again, from the first step that made nothing."""
    return Submitted(job_ids=[jobs.rerun(services, actor, job_id)])


@_router.post("/batches/{batch_id}/pause")
def pause_batch(actor: Asks, services: Uses, batch_id: UUID) -> Paused:
    """Let the queued runs of my batch wait; those that run finish."""
    return Paused(is_paused=True, jobs=batches.pause(services, actor, batch_id))


@_router.post("/batches/{batch_id}/resume")
def resume_batch(actor: Asks, services: Uses, batch_id: UUID) -> Paused:
    """Queue what waits since the batch was paused, in its old order."""
    return Paused(is_paused=False, jobs=batches.resume(services, actor, batch_id))
