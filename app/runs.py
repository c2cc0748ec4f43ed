"""What pages and REST show about runs, read on behalf of the person who asks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app import drawings
from db.actor import Actor
from db.models import Job, JobInput, JobOutput
from db.repositories.history import JobFilters, JobRow
from db.repositories.jobs import JobRepository
from db.repositories.queue import QueueRepository
from db.states import JobState
from db.types import utc_now
from studio.imaging.drawing import Drawing
from studio.tools.spec import AUXILIARY_TOOLS, DRAWING_ROLE, TOOLS
from tasks.files import StoredFile
from tasks.services import Services

_MOSTLY_KNOWN = 0.15
"""From this fraction on, a job's own pace says more than past runs."""
_SAME_SHAPE = 0.01
"""Two pictures whose proportions differ by less are the same view."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run as a progress card shows it.

    Attributes:
        place: in the queue, 1 = next; None once it runs.
        elapsed_s: since it started; since it was queued while it waits.
        remaining_s: None when nothing honest can be said.

    """

    id: UUID
    owner_id: UUID
    title: str
    tool: str
    state: JobState
    stage: str
    progress: float
    place: int | None
    elapsed_s: float
    remaining_s: float | None
    is_stopping: bool


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a run comes from and what was made of it, newest first."""

    ancestors: Sequence[JobRow]
    children: Sequence[JobRow]


def get_run(services: Services, actor: Actor, job_id: UUID) -> Job | None:
    """A visible run with its owner and files; None for what does not exist or is hidden."""
    with services.database.read() as session:
        return JobRepository(session).get(actor, job_id)


def listed(filters: JobFilters) -> JobFilters:
    """``filters`` as lists use them: runs that only prepare others are shown when asked for."""
    return replace(filters, without_tools=AUXILIARY_TOOLS)


def recent_runs(services: Services, actor: Actor, tool: str, limit: int) -> Sequence[JobRow]:
    """The person's own newest runs of ``tool``."""
    with services.database.read() as session:
        filters = JobFilters(tool=tool, owner_id=actor.id)
        return JobRepository(session).page(actor, filters, limit).rows


def batch_runs(services: Services, actor: Actor, batch_id: UUID) -> Sequence[JobRow]:
    """The visible runs of a batch, in the order of their files."""
    limit = services.settings.max_files_per_run
    with services.database.read() as session:
        page = JobRepository(session).page(actor, JobFilters(batch_id=batch_id), limit)
    return list(reversed(page.rows))


def batch_results(services: Services, actor: Actor, batch_id: UUID) -> list[JobOutput]:
    """The finished pictures of a batch, in the order of their files."""
    rows = batch_runs(services, actor, batch_id)
    with services.database.read() as session:
        jobs = JobRepository(session)
        found = [jobs.get(actor, row.id) for row in rows]
    return [output for job in found if job and (output := find_output(job))]


def lineage(services: Services, actor: Actor, job_id: UUID) -> Lineage:
    """The runs above and below this one that the person may see."""
    with services.database.read() as session:
        jobs = JobRepository(session)
        return Lineage(jobs.ancestors(actor, job_id), jobs.children(actor, job_id))


def live(
    services: Services, runs: Sequence[Job | JobRow], expected_s: Mapping[UUID, float | None]
) -> list[LiveRun]:
    """How far each of ``runs`` is, with its place in the queue."""
    now = utc_now()
    with services.database.read() as session:
        queue = QueueRepository(session)
        places = {run.id: queue.position(run.id) for run in runs if run.state is JobState.QUEUED}
    return [_live(run, places.get(run.id), expected_s.get(run.id), now) for run in runs]


def recipe(job: Job) -> dict[str, Any]:
    """What to run, without on which picture: tool and parameters, under their public names."""
    params = {name: value for name, value in job.params.items() if name != "tool"}
    return {"tool": job.tool, "params_version": job.params_version, "params": params}


def command_line(job: Job) -> str:
    """``studio run`` as it would repeat the run, beside copies of the files that it read."""
    fields = TOOLS[job.tool].params.model_fields
    words = ["studio", "run", job.tool, main_input(job).file_name]
    for file in job.inputs:
        if file is not main_input(job):
            words += [_flag(file.role), file.file_name]
    for name, value in TOOLS[job.tool].params.model_validate(job.params):
        if value == fields[name].get_default():
            continue
        if isinstance(value, bool):
            words.append(_flag(name if value else f"no-{name}"))
        else:
            words += [_flag(name), value if isinstance(value, str) else json.dumps(value)]
    return shlex.join(words)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def main_input(job: Job) -> JobInput:
    """The picture a run worked on."""
    return next(file for file in job.inputs if file.role == "image")


def find_input(job: Job, role: str) -> JobInput | None:
    """The first input in ``role``, if the run was given one."""
    return next((file for file in job.inputs if file.role == role), None)


def find_output(job: Job, role: str = "image") -> JobOutput | None:
    """The output in ``role``, if the run made one and it has not been swept."""
    return next((file for file in job.outputs if file.role == role), None)


def is_same_view(one: JobInput | JobOutput, other: JobInput | JobOutput) -> bool:
    """Whether two pictures have the same proportions, so that one is no crop of the other."""
    sizes = [one.blob.width_px, one.blob.height_px, other.blob.width_px, other.blob.height_px]
    if None in sizes:
        return False
    width, height, other_width, other_height = (float(size or 1) for size in sizes)
    return abs((width / height) / (other_width / other_height) - 1) < _SAME_SHAPE


def stored_file(file: JobInput | JobOutput) -> StoredFile:
    """A file on record as something that a new run may read."""
    blob = file.blob
    return StoredFile(blob.sha256, file.file_name, blob.media_type, blob.width_px, blob.height_px)


def drawing_of(services: Services, job: Job, picture: StoredFile) -> Drawing:
    """What the run was painted with, stretched to ``picture``; blank when with nothing.

    Raises:
        StorageError: the stored drawing is gone.
        UserInputError: ``drawing.unreadable``.

    """
    used = find_input(job, DRAWING_ROLE)
    if used is None:
        return drawings.blank(picture)
    return drawings.fit(drawings.read_drawing(services, stored_file(used)), picture)


def _live(run: Job | JobRow, place: int | None, expected_s: float | None, now: datetime) -> LiveRun:
    elapsed_s = max(
        ((run.finished_at or now) - (run.started_at or run.queued_at)).total_seconds(), 0
    )
    return LiveRun(
        id=run.id,
        owner_id=run.owner_id,
        title=run.title,
        tool=run.tool,
        state=run.state,
        stage=run.stage,
        progress=run.progress,
        place=place,
        elapsed_s=elapsed_s,
        remaining_s=_remaining_s(run, elapsed_s, expected_s),
        is_stopping=run.cancel_requested and not run.state.is_terminal,
    )


def _remaining_s(run: Job | JobRow, elapsed_s: float, expected_s: float | None) -> float | None:
    if run.state is not JobState.RUNNING:
        return None
    if run.progress >= _MOSTLY_KNOWN:
        return elapsed_s * (1 - run.progress) / run.progress
    if expected_s is None or expected_s <= elapsed_s:
        return None
    return expected_s - elapsed_s
