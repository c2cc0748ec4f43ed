"""What people do to jobs: submit, cancel, run again. Light: the web process imports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from sqlalchemy.orm import Session

from db.actor import Actor
from db.models import Job
from db.repositories.audit import AuditRepository
from db.repositories.blobs import BlobRepository
from db.repositories.jobs import FoundOutput, JobRepository, NewInput, NewJob
from db.repositories.queue import QueueRepository
from db.repositories.tool_switches import ToolSwitchRepository
from db.types import Lane, Origin, Visibility
from studio.errors import UserInputError
from studio.imaging.decode import Limits, inspect
from studio.imaging.drawing import Drawing
from studio.params import (
    INTERPOLATION,
    PARAMS_VERSION,
    CartoonParams,
    CartoonRegion,
    ToolParams,
    UpscaleParams,
)
from studio.tools.spec import ToolSpec, get_tool
from tasks.celery_app import wake
from tasks.files import StoredFile, keep
from tasks.reuse import find_reusable
from tasks.services import Services
from tasks.status import slots

__all__ = [
    "DRAWING_TYPE",
    "Item",
    "StoredFile",
    "cancel",
    "consent_action",
    "rerun",
    "store_drawing",
    "store_upload",
    "submit",
]

MAIN_ROLE = "image"
DRAWING_TYPE = "application/json"
"""Media type of a painted mask."""

Item = Mapping[str, "StoredFile | Sequence[StoredFile]"]
"""The files of one job by role; a role that may be repeated takes several, in order."""


class Parentage(TypedDict):
    """Where a job comes from, as ``NewJob`` takes it."""

    parent_id: UUID | None
    origin: Origin | None


def store_upload(services: Services, file_name: str, data: bytes) -> StoredFile:
    """Check an uploaded picture and store it, ready to be submitted within a day.

    Raises:
        UserInputError: the picture is refused; the code says why.

    """
    info = inspect(data, file_name=file_name, limits=Limits.from_settings(services.settings))
    stored = keep(
        services,
        data,
        file_name=file_name,
        media_type=info.media_type,
        width_px=info.width_px,
        height_px=info.height_px,
    )
    return replace(stored, thumbnail_jpeg=info.thumbnail_jpeg)


def store_drawing(services: Services, file_name: str, data: bytes) -> StoredFile:
    """Check a painted mask and store it, ready to be submitted within a day.

    Raises:
        UserInputError: ``image.too_many_bytes`` or ``drawing.unreadable``.

    """
    most = services.settings.max_upload_bytes
    if len(data) > most:
        raise UserInputError(
            f"The file has {len(data)} bytes and the limit is {most}",
            remedy="Paint with fewer strokes.",
            code="image.too_many_bytes",
            file_name=file_name,
        )
    drawing = Drawing.parse(data, file_name=file_name)
    return keep(
        services,
        drawing.to_bytes(),
        file_name=file_name,
        media_type=DRAWING_TYPE,
        width_px=drawing.width_px,
        height_px=drawing.height_px,
    )


def submit(
    services: Services,
    actor: Actor,
    tool: str,
    params: ToolParams,
    items: Sequence[Item],
    *,
    batch_name: str = "",
    visibility: Visibility = Visibility.TEAM,
    parent_id: UUID | None = None,
    origin: Origin | None = None,
) -> list[UUID]:
    """Queue one job for each item; returns their ids.

    Two items or more form a batch. The jobs are committed before any worker is woken, so
    a broker that is down delays them and loses nothing.

    Raises:
        UserInputError: ``permission.may_not_run``, ``tool.unknown``, ``tool.switched_off``,
            ``consent.missing``, ``params.invalid``, ``submit.empty``, ``submit.too_many``,
            ``submit.role``, ``submit.expired`` or ``job.not_found`` when the parent is not
            the actor's to see.

    """
    spec = get_tool(tool)
    _require_may_run(actor)
    _require_items(services, spec, params, items)
    with services.database.write() as session:
        _require_allowed(session, actor, spec)
        _require_parent(session, actor, parent_id)
        _require_stored(session, items)
        repository = JobRepository(session)
        values = params.model_dump(mode="json")
        batch = None
        if len(items) > 1:
            batch = repository.add_batch(
                owner_id=actor.id, name=batch_name, tool=tool, params=values
            )
        new_jobs = []
        for item in items:
            inputs = _inputs(item)
            made = None
            if spec.reuse is not None:
                image_sha256 = inputs[0].blob_sha256
                made = find_reusable(services, session, actor, params, image_sha256)
            if spec.reuse is not None and made is not None:
                inputs.append(
                    NewInput(
                        role=spec.reuse.role,
                        blob_sha256=made.blob.sha256,
                        file_name=made.file_name,
                    )
                )
            new_jobs.append(
                NewJob(
                    owner_id=actor.id,
                    tool=tool,
                    method=params.method,
                    params=values,
                    params_version=PARAMS_VERSION,
                    lane=_lane(spec, params, inputs),
                    inputs=inputs,
                    batch=batch,
                    **_parentage(parent_id, origin, made),
                    visibility=visibility,
                )
            )
        job_ids = QueueRepository(session).enqueue(new_jobs)
    _wake_for(services, [new.lane for new in new_jobs])
    return job_ids


def cancel(services: Services, actor: Actor, job_id: UUID) -> bool:
    """Cancel a queued job at once, or have a running one stopped within a second or so.

    Returns False when the job had already ended.

    Raises:
        UserInputError: ``job.not_found``, or ``permission.not_owner``.

    """
    with services.database.write() as session:
        job = _visible(session, actor, job_id)
        if job.owner_id != actor.id and not actor.is_admin:
            raise UserInputError(
                "This run belongs to somebody else",
                remedy="Its owner or an admin can cancel it.",
                code="permission.not_owner",
            )
        return QueueRepository(session).cancel(job_id) is not None


def rerun(services: Services, actor: Actor, job_id: UUID) -> UUID:
    """Queue a new job with the very inputs, parameters and visibility of ``job_id``.

    Raises:
        UserInputError: ``job.not_found``, ``permission.may_not_run``, ``tool.switched_off``
            or ``consent.missing``.

    """
    _require_may_run(actor)
    with services.database.write() as session:
        job = _visible(session, actor, job_id)
        _require_allowed(session, actor, get_tool(job.tool))
        new = NewJob(
            owner_id=actor.id,
            tool=job.tool,
            method=job.model,
            params=job.params,
            params_version=job.params_version,
            lane=job.lane,
            inputs=[
                NewInput(
                    role=item.role,
                    blob_sha256=item.blob_sha256,
                    file_name=item.file_name,
                    position=item.position,
                )
                for item in job.inputs
            ],
            parent_id=job.id,
            origin=Origin.RERUN,
            visibility=job.visibility,
        )
        [new_id] = QueueRepository(session).enqueue([new])
    _wake_for(services, [new.lane])
    return new_id


def _require_may_run(actor: Actor) -> None:
    if not actor.may_run:
        raise UserInputError(
            "Viewers can look at runs but not start any",
            remedy="Ask an admin to make you a member.",
            code="permission.may_not_run",
        )


def consent_action(tool: str) -> str:
    """What the audit calls it that somebody confirmed what ``tool`` asks for."""
    return f"{tool}.consent"


def _require_allowed(session: Session, actor: Actor, spec: ToolSpec) -> None:
    if spec.name in ToolSwitchRepository(session).switched_off():
        raise UserInputError(
            f"{spec.title} is switched off in this studio",
            remedy="Ask an admin to switch it on.",
            code="tool.switched_off",
        )
    if spec.consent and not AuditRepository(session).has_done(actor.id, consent_action(spec.name)):
        raise UserInputError(
            f"{spec.title} needs your confirmation before the first run",
            remedy="Open its page and confirm it once; scripts can POST to "
            f"/api/v1/tools/{spec.name}/consent.",
            code="consent.missing",
        )


def _require_items(
    services: Services,
    spec: ToolSpec,
    params: ToolParams,
    items: Sequence[Item],
) -> None:
    if not isinstance(params, spec.params):
        raise UserInputError(
            f"These parameters are not those of {spec.title}",
            remedy="Choose the options on the tool's own page.",
            code="params.invalid",
        )
    if not items:
        raise UserInputError(
            "There is no picture to run", remedy="Add at least one.", code="submit.empty"
        )
    most = services.settings.max_files_per_run
    if len(items) > most:
        raise UserInputError(
            f"{len(items)} pictures are too many for one run",
            remedy=f"Run at most {most} at a time.",
            code="submit.too_many",
        )
    # What an earlier run made is added here; callers do not give it.
    known = {*spec.required_roles, *spec.optional_roles}
    if spec.reuse is not None:
        known -= {spec.reuse.role}
    for item in items:
        if not set(spec.required_roles) <= item.keys() <= known:
            raise UserInputError(
                f"{spec.title} cannot use files as {', '.join(sorted(item)) or 'nothing'}",
                remedy=f"It needs {', '.join(spec.required_roles)}, "
                f"and takes {', '.join(sorted(known))}.",
                code="submit.role",
            )
        for role, given in item.items():
            several = isinstance(given, Sequence)
            if (several and role not in spec.repeatable_roles) or (several and not given):
                raise UserInputError(
                    f"{spec.title} takes one file as “{role}”",
                    remedy="Run them one at a time.",
                    code="submit.role",
                )


def _require_parent(session: Session, actor: Actor, parent_id: UUID | None) -> None:
    if parent_id is not None:
        _visible(session, actor, parent_id)


def _require_stored(session: Session, items: Sequence[Item]) -> None:
    files = {file.sha256: file for item in items for _, _, file in _files(item)}
    missing = files.keys() - BlobRepository(session).known(files.keys())
    if missing:
        raise UserInputError(
            "The upload is no longer there, as it was not used for a day",
            remedy="Upload the picture again.",
            code="submit.expired",
            file_name=files[min(missing)].file_name,
        )


def _visible(session: Session, actor: Actor, job_id: UUID) -> Job:
    job = JobRepository(session).get(actor, job_id)
    if job is None:
        raise UserInputError(
            "There is no such run, or it is private",
            remedy="Look for it in the history.",
            code="job.not_found",
        )
    return job


def _files(item: Item) -> list[tuple[str, int, StoredFile]]:
    """Role, position and file of everything in ``item``, the main file first."""
    ordered = sorted(item.items(), key=lambda pair: pair[0] != MAIN_ROLE)
    return [
        (role, position, file)
        for role, given in ordered
        for position, file in enumerate([given] if isinstance(given, StoredFile) else given)
    ]


def _inputs(item: Item) -> list[NewInput]:
    return [
        NewInput(role=role, blob_sha256=file.sha256, file_name=file.file_name, position=position)
        for role, position, file in _files(item)
    ]


def _parentage(
    parent_id: UUID | None, origin: Origin | None, made: FoundOutput | None
) -> Parentage:
    """The given parent, else the run whose output is re-used: it says which weights made it."""
    if parent_id is None and made is not None:
        return Parentage(parent_id=made.job_id, origin=Origin.MADE_FROM)
    return Parentage(parent_id=parent_id, origin=origin)


def _lane(spec: ToolSpec, params: ToolParams, inputs: Sequence[NewInput]) -> Lane:
    """``cpu`` for a job that needs no network, else ``gpu``."""
    roles = {item.role for item in inputs}
    if isinstance(params, UpscaleParams) and params.model == INTERPOLATION:
        return Lane.CPU
    if isinstance(params, CartoonParams) and params.region is not CartoonRegion.PICTURE:
        return Lane.CPU if {"render", "alpha"} <= roles else Lane.GPU
    if spec.reuse is not None and spec.reuse.role in roles:
        return Lane.CPU
    return Lane.GPU


def _wake_for(services: Services, lanes: Sequence[Lane]) -> None:
    """No more tokens than workers: a worker that finishes wakes the next one itself."""
    for lane, count in Counter(lanes).items():
        wake(services.settings, lane, min(count, max(1, slots(services, lane))))
