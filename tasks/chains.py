"""Tools one after another on each picture: the last is the run, those before it its steps.

Steps are jobs as all others, but lists leave them out, and the run counts them in its progress.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy.orm import Session

from db.actor import Actor
from db.repositories.submissions import NewJob
from db.types import Visibility, new_id
from studio.errors import UserInputError
from studio.params import ToolParams
from studio.tools.registry import get_tool
from studio.tools.spec import RESULT_ROLE
from studio.words import msg, msgs
from tasks.files import StoredFile
from tasks.permissions import require_may_run
from tasks.planning import add_batch, plan_items
from tasks.requests import (
    ResultOf,
    RunItem,
    RunRequest,
    parse_result,
    require_well_formed,
    whole_number,
)
from tasks.services import Services
from tasks.submit import enqueue, wake_for

MAX_STEPS = 10
STEP = "step:"
"""Begins the name of what an earlier step of a chain makes."""


@dataclass(frozen=True, slots=True)
class ResultOfStep:
    """A file that an earlier step of the same chain is to make of the same picture.

    ``step`` counts from 1, ``position`` the outputs of that role from 0.
    """

    step: int
    role: str = RESULT_ROLE
    position: int = 0

    @classmethod
    def parse(cls, text: str) -> ResultOfStep:
        """What ``step:N``, ``step:N/ROLE`` or ``step:N/ROLE/POSITION`` names, else ValueError."""
        step, role, position = parse_result(STEP, text)
        return cls(whole_number(step), role, position)

    def __str__(self) -> str:
        """What ``parse`` reads, as short as it may be."""
        if self.position:
            return f"{STEP}{self.step}/{self.role}/{self.position}"
        return f"{STEP}{self.step}" + ("" if self.role == RESULT_ROLE else f"/{self.role}")


@dataclass(frozen=True, slots=True)
class Step:
    """A tool's parameters, and the files that it reads besides its picture, by role.

    Its picture is the result of the step before it.
    """

    params: ToolParams
    files: Mapping[str, Sequence[StoredFile | ResultOf | ResultOfStep]] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class ChainRequest:
    """A chain for each picture, of one step or more; two pictures or more form a batch.

    ``visibility`` is that of ``RunRequest``; where one step of a chain is private all are.
    """

    pictures: Sequence[StoredFile | ResultOf]
    steps: Sequence[Step]
    batch_name: str = ""
    visibility: Visibility | None = None


def submit_chain(services: Services, actor: Actor, chain: ChainRequest) -> list[UUID]:
    """Queue the first step of each picture, and let the others wait for it.

    Returns the ids of the runs that the chains end in, in the order of the pictures. All is
    written in one transaction: a chain is there as a whole, or not at all.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: as ``submit`` does, of any step; ``chain.length``, or ``chain.order`` for a
            step that takes something of a later one, or of itself.

    """
    _require_order(chain)
    job_ids = [[new_id() for _ in chain.pictures] for _ in chain.steps]
    requests = [_request(chain, number, job_ids) for number in range(len(chain.steps))]
    settings = services.settings
    for request in requests:
        require_well_formed(
            request, max_items=settings.max_files_per_run, max_pixels=settings.max_pixels
        )
    with services.database.write() as session:
        for request in requests:
            actor = require_may_run(session, actor, request.spec)
        new_jobs = _plan(services, session, actor, requests, job_ids)
        enqueue(session, new_jobs)
    wake_for(services, [new.lane for new in new_jobs[: len(chain.pictures)]])
    return job_ids[-1]


def require_length(steps: int) -> None:
    """Refuse a chain without steps, or with too many.

    Raises:
        UserInputError: ``chain.length``.

    """
    if not 1 <= steps <= MAX_STEPS:
        raise UserInputError(
            msgs("A chain of {n} step cannot be run", "A chain of {n} steps cannot be run", steps),
            remedy=msg("Name 1 to {most}.", most=MAX_STEPS),
            code="chain.length",
        )


@contextmanager
def naming_step(number: int) -> Iterator[None]:
    """Refusals from within are of step ``number``, counted from 1."""
    try:
        yield
    except UserInputError as error:
        raise UserInputError(
            msg("Step {number}: {reason}", number=number, reason=error.reason),
            remedy=error.remedy,
            code=error.code,
        ) from error


def _require_order(chain: ChainRequest) -> None:
    require_length(len(chain.steps))
    for number, step in enumerate(chain.steps, start=1):
        for file in (file for files in step.files.values() for file in files):
            if isinstance(file, ResultOfStep) and not 1 <= file.step < number:
                raise UserInputError(
                    msg(
                        "Step {number} cannot use what step {step} makes",
                        number=number,
                        step=file.step,
                    ),
                    remedy=msg("Use the result of a step before it."),
                    code="chain.order",
                )


def _request(chain: ChainRequest, number: int, job_ids: Sequence[Sequence[UUID]]) -> RunRequest:
    """What step ``number``, counted from 0, asks for: one job for each picture."""
    step = chain.steps[number]
    main_role = get_tool(step.params.tool).main_role
    items = []
    for index, picture in enumerate(chain.pictures):
        files = {
            role: [
                ResultOf(job_ids[file.step - 1][index], file.role, file.position)
                if isinstance(file, ResultOfStep)
                else file
                for file in several
            ]
            for role, several in step.files.items()
        }
        main = ResultOf(job_ids[number - 1][index]) if number else picture
        items.append(RunItem({main_role: [main], **files}))
    return RunRequest(step.params, items, batch_name=chain.batch_name, visibility=chain.visibility)


def _plan(
    services: Services,
    session: Session,
    actor: Actor,
    requests: Sequence[RunRequest],
    job_ids: Sequence[Sequence[UUID]],
) -> list[NewJob]:
    """The jobs of all steps, those that others need first."""
    batch = add_batch(session, actor, requests[-1])
    planned: dict[UUID, NewJob] = {}
    for request, own_ids in zip(requests, job_ids, strict=True):
        new_jobs = plan_items(services, session, actor, request, batch=batch, coming=planned)
        for new, job_id, run_id in zip(new_jobs, own_ids, job_ids[-1], strict=True):
            serves_id = run_id if job_id != run_id else None
            planned[job_id] = replace(new, id=job_id, serves_id=serves_id)
    # Who sees a run sees its steps: what is private in the last may have come in there alone.
    return [
        replace(new, visibility=planned[new.serves_id or new.id].visibility)
        for new in planned.values()
    ]
