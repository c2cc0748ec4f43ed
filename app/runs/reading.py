"""What pages and REST show about runs, read on behalf of the person who asks."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from db.actor import Actor
from db.models import Job, JobInput, JobOutput
from db.repositories.history import JobFilters, JobRow
from db.repositories.jobs import JobRepository
from db.repositories.needs import NeedRepository, Steps
from db.repositories.past_runs import PastRunRepository
from db.repositories.queue import QueueRepository
from db.states import JobState
from db.types import utc_now
from studio.text import search_words
from studio.tools.registry import AUXILIARY_TOOLS, TOOLS
from studio.tools.spec import RESULT_ROLE, Media
from studio.words import Message
from tasks.files import StoredFile
from tasks.permissions import visible_job
from tasks.services import Services

_MOSTLY_KNOWN = 0.15
"""From this fraction on, a job's own pace says more than past runs."""
_SAME_SHAPE = 0.01
"""Two pictures whose proportions differ by less are the same view."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run as a progress card shows it.

    Attributes:
        progress: of the run and its steps together, each an equal part; where ``remaining_s`` is
            known, no less than what of the whole time has passed.
        place: in the queue, 1 = next; None once it runs.
        needs: how many results it waits for; 0 of one that waits as its batch is paused.
        steps: how far the runs are that only serve this one; None without such.
        elapsed_s: since it started; since it was queued while it waits.
        remaining_s: None when nothing honest can be said.
        is_overdue: whether it has taken longer than runs of its kind do.
        rests_s: until the next try, of a run that could not go on; None otherwise.
        reason: why it rests, if it does.

    """

    id: UUID
    owner_id: UUID
    title: str
    tool: str
    state: JobState
    stage: str
    progress: float
    place: int | None
    needs: int
    steps: Steps | None
    elapsed_s: float
    remaining_s: float | None
    is_overdue: bool
    is_stopping: bool
    rests_s: float | None
    reason: Message | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a run comes from and what was made of it, newest first."""

    ancestors: Sequence[JobRow]
    children: Sequence[JobRow]


def get_run(services: Services, actor: Actor, job_id: UUID) -> Job | None:
    """A visible run with its owner and files; None for what does not exist or is hidden."""
    with services.database.read() as session:
        return JobRepository(session).get(actor, job_id)


def require_run(services: Services, actor: Actor, job_id: UUID) -> Job:
    """As ``get_run``, where there must be one.

    Raises:
        UserInputError: ``job.not_found``.

    """
    with services.database.read() as session:
        return visible_job(session, actor, job_id)


def listed(filters: JobFilters) -> JobFilters:
    """``filters`` as lists use them: runs that only prepare others are shown when asked for."""
    return replace(filters, without_tools=AUXILIARY_TOOLS, text=search_words(filters.text))


def recent_runs(services: Services, actor: Actor, tool: str, limit: int) -> Sequence[JobRow]:
    """The person's own newest runs of ``tool``."""
    with services.database.read() as session:
        filters = JobFilters(tool=tool, owner_id=actor.id)
        return JobRepository(session).page(actor, filters, limit).rows


def batch_runs(services: Services, actor: Actor, batch_id: UUID) -> Sequence[JobRow]:
    """The visible runs of a batch, all of them, in the order of their files."""
    with services.database.read() as session:
        return JobRepository(session).batch(actor, batch_id)


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


def awaited(services: Services, actor: Actor, job_id: UUID) -> Sequence[JobRow]:
    """The visible runs whose results this one waits for, or waited for in vain, newest first."""
    with services.database.read() as session:
        return JobRepository(session).awaited(actor, job_id)


def live(
    services: Services, runs: Sequence[Job | JobRow], expected_s: Mapping[UUID, float | None]
) -> list[LiveRun]:
    """How far each of ``runs`` is, with its place in the queue."""
    now = utc_now()
    with services.database.read() as session:
        queue = QueueRepository(session)
        places = {run.id: queue.position(run.id) for run in runs if run.state is JobState.QUEUED}
        needs = NeedRepository(session)
        steps = needs.steps(run.id for run in runs)
        missing = needs.open_counts(run.id for run in runs if run.state is JobState.WAITING)
    found = [_live(run, steps.get(run.id), expected_s.get(run.id), now) for run in runs]
    return [
        replace(card, place=places.get(card.id), needs=missing.get(card.id, 0)) for card in found
    ]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one run waits for, its place in the queue and the runs it needs, and what is round it.

    Attributes:
        parent_id: the run that it was made from, where the person may see that.

    """

    place: int | None
    waits_for: Sequence[UUID]
    steps: Steps | None
    parent_id: UUID | None


def surroundings(services: Services, actor: Actor, job: Job) -> Surroundings:
    """As they are now, in one look; what the state of ``job`` rules out is not asked."""
    with services.database.read() as session:
        place, waits_for = None, list[UUID]()
        if job.state is JobState.QUEUED:
            place = QueueRepository(session).position(job.id)
        elif job.state in (JobState.WAITING, JobState.CANCELLED):
            waits_for = [row.id for row in JobRepository(session).awaited(actor, job.id)]
        steps = NeedRepository(session).steps([job.id]).get(job.id)
        parent = JobRepository(session).get(actor, job.parent_id) if job.parent_id else None
        return Surroundings(place, waits_for, steps, parent.id if parent else None)


def joint_progress(run: Job | JobRow, steps: Steps | None) -> float:
    """How far a run is together with its steps, each an equal part, 0 to 1."""
    return run.progress if steps is None else (steps.progress + run.progress) / (steps.total + 1)


def count_steps(state: JobState, steps: Steps) -> tuple[int, int]:
    """How many steps are done, and how many there are; the run itself is the last of them."""
    return steps.done + (state is JobState.SUCCEEDED), steps.total + 1


def main_input(job: Job) -> JobInput | None:
    """The picture a run works on.

    None for a run that waits until another has made it, and for one that ended before.
    """
    return find_input(job, job.main_role)


def find_input(job: Job, role: str) -> JobInput | None:
    """The first input in ``role``, if the run was given one."""
    return next((file for file in job.inputs if file.role == role), None)


def painted_input(job: Job) -> JobInput | None:
    """What the run was painted with, if its tool takes that and it was given."""
    roles = TOOLS[job.tool].roles if job.tool in TOOLS else ()
    painted = {role.name for role in roles if role.media is Media.DRAWING}
    return next((file for file in job.inputs if file.role in painted), None)


def private_sources(
    services: Services, actor: Actor, job_ids: Collection[UUID], files: Iterable[StoredFile]
) -> list[str]:
    """Those of the runs that are private, and of the files that private runs alone have made.

    As far as the actor may see; each by its id or digest, in an order that stays.
    """
    digests = {file.sha256 for file in files}
    if not job_ids and not digests:
        return []
    with services.database.read() as session:
        past = PastRunRepository(session)
        runs = past.find_private_runs(actor, job_ids) if job_ids else ()
        results = past.find_private_results(actor, digests) if digests else ()
    return [*sorted(job_id.hex for job_id in runs), *sorted(results)]


def has_made(services: Services, actor: Actor, job_id: UUID, files: Iterable[StoredFile]) -> bool:
    """Whether the result of a run that the actor may see is one of these files."""
    with services.database.read() as session:
        return PastRunRepository(session).has_made(actor, job_id, {one.sha256 for one in files})


def find_output(job: Job, role: str = RESULT_ROLE) -> JobOutput | None:
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


def _live(
    run: Job | JobRow, steps: Steps | None, expected_s: float | None, now: datetime
) -> LiveRun:
    elapsed_s = max(
        ((run.finished_at or now) - (run.started_at or run.queued_at)).total_seconds(), 0
    )
    progress = joint_progress(run, steps)
    remaining_s = None if steps else _remaining_s(run, elapsed_s, expected_s)
    if remaining_s is not None:  # so that the bar and the words say the same
        progress = max(progress, elapsed_s / max(elapsed_s + remaining_s, 1e-9))
    return LiveRun(
        id=run.id,
        owner_id=run.owner_id,
        title=run.title,
        tool=run.tool,
        state=run.state,
        stage=run.stage,
        progress=progress,
        place=None,
        needs=0,
        steps=steps,
        elapsed_s=elapsed_s,
        remaining_s=remaining_s,
        is_overdue=run.state is JobState.RUNNING and elapsed_s > (expected_s or math.inf),
        is_stopping=run.cancel_requested and not run.state.is_terminal,
        rests_s=_rests_s(run, now),
        reason=run.error_message,
    )


def _rests_s(run: Job | JobRow, now: datetime) -> float | None:
    if run.state is not JobState.QUEUED or run.not_before is None:
        return None
    return max((run.not_before - now).total_seconds(), 0)


def _remaining_s(run: Job | JobRow, elapsed_s: float, expected_s: float | None) -> float | None:
    if run.state is not JobState.RUNNING:
        return None
    pace_s = elapsed_s * (1 - run.progress) / run.progress if run.progress else math.inf
    if run.progress >= _MOSTLY_KNOWN:
        return pace_s
    if expected_s is None or expected_s <= elapsed_s:
        return None
    return min(expected_s - elapsed_s, pace_s)
