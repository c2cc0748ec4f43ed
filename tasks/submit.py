"""What people do to jobs: submit, cancel, run again. Light: the web process imports it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import BinaryIO
from uuid import UUID

from sqlalchemy.orm import Session

from db.actor import Actor
from db.errors import NeedError
from db.repositories.queue import QueueRepository
from db.repositories.reruns import plan_rerun
from db.repositories.submissions import NewJob
from db.types import Lane
from studio.errors import UserInputError
from studio.imaging import refusals
from studio.imaging.confined import inspect_confined, rewrite_confined
from studio.imaging.decode import Limits
from studio.tools.registry import get_tool, load_params
from studio.words import msg
from tasks.authority import Needs, authorise
from tasks.celery_app import wake
from tasks.files import StoredFile, keep_staged
from tasks.permissions import held_job, require_may_run, visible_job
from tasks.planning import lane_of, plan, require_networks
from tasks.reading import reading_pool
from tasks.requests import RunRequest, require_well_formed
from tasks.services import Services
from tasks.status import slots

DRAWING_TYPE = "application/json"
"""Media type of a painted mask."""


def store_upload(
    services: Services, file_name: str, source: bytes | BinaryIO, *, owner: Hashable = None
) -> StoredFile:
    """Check an uploaded picture and store it, ready to be submitted within a day.

    It is read in a child process that can be ended; files of one ``owner`` do not hold up
    those of another. A file that is not in memory already never is in this process.

    Raises:
        UserInputError: the picture is refused; the code says why.
        RetriableError: too many files are being read.

    """
    limits = Limits.from_settings(services.settings)
    stream = _measured(services, file_name, source)
    with services.blobs.staged(stream) as staged:
        info = inspect_confined(
            reading_pool(), staged.path, file_name=file_name, limits=limits, owner=owner
        )
        stored = keep_staged(
            services,
            staged,
            file_name=file_name,
            media_type=info.media_type,
            width_px=info.width_px,
            height_px=info.height_px,
        )
    return replace(stored, thumbnail_jpeg=info.thumbnail_jpeg)


def store_drawing(
    services: Services, file_name: str, source: bytes | BinaryIO, *, owner: Hashable = None
) -> StoredFile:
    """Check a painted mask and store it as we write drawings, ready to be submitted within a day.

    It is read and written in a child process that can be ended, and never whole in this one.

    Raises:
        UserInputError: ``image.too_many_bytes`` or ``drawing.unreadable``.
        RetriableError: too many files are being read.

    """
    stream = _measured(services, file_name, source)
    with ExitStack() as files:
        sent = files.enter_context(services.blobs.staged(stream))
        rewrite = partial(
            rewrite_confined, reading_pool(), sent.path, file_name=file_name, owner=owner
        )
        staged, (width_px, height_px) = files.enter_context(services.blobs.staged_by(rewrite))
        return keep_staged(
            services,
            staged,
            file_name=file_name,
            media_type=DRAWING_TYPE,
            width_px=width_px,
            height_px=height_px,
        )


def _measured(services: Services, file_name: str, source: bytes | BinaryIO) -> BinaryIO:
    stream = BytesIO(source) if isinstance(source, bytes) else source
    size_bytes, most_bytes = stream.seek(0, os.SEEK_END), services.settings.max_upload_bytes
    if size_bytes > most_bytes:
        raise refusals.too_many_bytes(size_bytes, most_bytes).naming(file_name)
    return stream


def require_may_submit(services: Services, actor: Actor, tool: str) -> None:
    """Refuse before files are looked at whom :func:`submit` would refuse whatever they are.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: ``tool.unknown``, ``tool.switched_off`` or ``consent.missing``.

    """
    spec = get_tool(tool)
    with services.database.read() as session:
        require_may_run(session, actor, spec)


def submit(services: Services, actor: Actor, request: RunRequest) -> list[UUID]:
    """Queue one job for each item of ``request``; returns their ids in that order.

    One that takes a result that is not there yet waits for the job that makes it.

    The jobs are committed before any worker is woken, so a broker that is down delays them
    and loses nothing.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: as ``require_well_formed``, ``require_may_run`` and ``plan`` do;
            nothing is queued then. ``need.foreign``, ``need.ended`` or ``need.no_output`` when
            a job cannot be waited for.
        ModelUnavailableError: ``model.unknown``.

    """
    settings = services.settings
    require_well_formed(
        request, max_items=settings.max_files_per_run, max_pixels=settings.max_pixels
    )
    with services.database.write() as session:
        actor = require_may_run(session, actor, request.spec)
        new_jobs = plan(services, session, actor, request)
        job_ids = enqueue(session, new_jobs)
    wake_for(services, [new.lane for new in new_jobs])
    return job_ids


def cancel(services: Services, actor: Actor, job_id: UUID) -> bool:
    """Cancel a queued job at once, or have a running one stopped within a second or so.

    Returns False when the job had already ended.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: ``job.not_found``, or ``permission.not_owner``.

    """
    with services.database.write() as session:
        actor = authorise(session, actor, Needs.RUNNING)
        job = visible_job(session, actor, job_id)
        if job.owner_id != actor.id and not actor.is_admin:
            raise UserInputError(
                msg("This run belongs to somebody else"),
                remedy=msg("Its owner or an admin can cancel it."),
                code="permission.not_owner",
            )
        return QueueRepository(session).cancel(job_id) is not None


def rerun(services: Services, actor: Actor, job_id: UUID) -> UUID:
    """Queue a new job with the very inputs, parameters and visibility of ``job_id``.

    Where it never got its inputs, the jobs that failed to make them run again, too; what the
    others have made is used again. Returns the id of the job that repeats ``job_id``.

    Raises:
        UserInputError: ``job.not_found``, ``tool.switched_off``, ``consent.missing``,
            ``need.gone``, ``model.other_tool``, what the tool says is lacking, or as
            ``load_params`` does.
        ModelUnavailableError: ``model.unknown``.

    """
    with services.database.write() as session:
        actor = authorise(session, actor, Needs.RUNNING)
        held_job(session, actor, job_id)
        with _refusals():
            new_jobs = plan_rerun(session, job_id, actor.id)
        for new in new_jobs:
            if new.parent_id is not None:
                held_job(session, actor, new.parent_id)
            require_may_run(session, actor, get_tool(new.tool))
        new_jobs = [_as_of_today(new) for new in new_jobs]
        new_ids = enqueue(session, new_jobs)
    wake_for(services, [new.lane for new in new_jobs if not new.needs])
    return new_ids[-1]


def _as_of_today(new: NewJob) -> NewJob:
    """``new`` with today's parameters and lane, as both may have changed since it last ran."""
    params = load_params(new.tool, new.params_version, new.params)
    roles = {file.role for file in new.inputs} | {need.role for need in new.needs}
    if lack := params.lacks(roles):
        raise lack
    require_networks(params, roles)
    return replace(
        new,
        method=params.method,
        params=params.model_dump(mode="json"),
        params_version=params.version(),
        lane=lane_of(params, roles),
    )


def enqueue(session: Session, new_jobs: Sequence[NewJob]) -> list[UUID]:
    """Write the jobs, of one owner; returns their ids in that order.

    Raises:
        UserInputError: ``need.foreign``, ``need.ended``, ``need.gone``, ``need.cycle`` or
            ``need.no_output`` when one of them cannot get what it needs.

    """
    with _refusals():
        return QueueRepository(session).enqueue(new_jobs)


@contextmanager
def _refusals() -> Iterator[None]:
    """What the record will not let wait is the person's to know."""
    try:
        yield
    except NeedError as error:
        raise UserInputError(error.reason, remedy=error.remedy, code=error.code) from error


def wake_for(services: Services, lanes: Sequence[Lane]) -> None:
    """Send tokens for queued jobs, one lane each, that have been committed.

    No more than there are workers: a worker that finishes wakes the next one itself.
    """
    for lane, count in Counter(lanes).items():
        wake(services.settings, lane, min(count, max(1, slots(services, lane))))
