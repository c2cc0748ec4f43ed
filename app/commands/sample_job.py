"""One real job through the queue, to prove that the whole studio works."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.commands.operator import operator
from app.runs.sample import sample_picture
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.states import JobState
from studio.errors import StudioError
from studio.params import CutoutParams
from studio.tools.cutout.spec import SPEC as CUTOUT
from studio.tools.spec import RESULT_ROLE
from studio.words import msg
from tasks.requests import RunItem, RunRequest
from tasks.services import Services
from tasks.submit import store_upload, submit

SAMPLE_TIMEOUT_S = 300.0
_POLL_S = 0.1


class SampleFailedError(StudioError):
    """The sample job did not succeed."""

    code = "sample"


@dataclass(frozen=True, slots=True)
class SampleDone:
    """Where the sample's result was saved, and the seconds from submission to result."""

    path: Path
    seconds: float


def was_anything_run(services: Services) -> bool:
    """Whether this studio has any run on record, be it in the trash."""
    admin = operator(services)
    with services.database.read() as session:
        jobs = JobRepository(session)
        shelves = JobFilters(), JobFilters(trashed=True)
        return any(jobs.count(admin, filters, cap=1).value for filters in shelves)


def run_sample(services: Services) -> SampleDone:
    """Cut the sample portrait out as the oldest enabled admin, and save the result in ``data_dir``.

    Raises:
        StudioError: the job failed, did not end in ``SAMPLE_TIMEOUT_S``, or its result cannot be
            written.
        RecordError: the database is away.

    """
    actor = operator(services)
    started_s = time.monotonic()
    picture = store_upload(services, *sample_picture())
    item = RunItem({CUTOUT.main_role: [picture]})
    [job_id] = submit(services, actor, RunRequest(CutoutParams(), [item]))
    job = _wait(services, actor, job_id)
    seconds = time.monotonic() - started_s
    if job.state is not JobState.SUCCEEDED:
        raise SampleFailedError(job.error_message or msg("It was {state}.", state=job.state))
    result = next(output for output in job.outputs if output.role == RESULT_ROLE)
    data = services.blobs.read(result.blob_sha256)
    path = services.settings.data_dir / "sample" / result.file_name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise SampleFailedError(
            msg(
                "{path} cannot be written ({fault}). Make room there, or mend its permissions.",
                path=str(path),
                fault=str(error.strerror),
            )
        ) from error
    return SampleDone(path, seconds)


def _wait(services: Services, actor: Actor, job_id: UUID) -> Job:
    deadline_s = time.monotonic() + SAMPLE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        with services.database.read() as session:
            job = JobRepository(session).get(actor, job_id)
        if job is not None and job.state.is_terminal:
            return job
        time.sleep(_POLL_S)
    raise SampleFailedError(msg("It did not end within {limit:.0f} s.", limit=SAMPLE_TIMEOUT_S))
