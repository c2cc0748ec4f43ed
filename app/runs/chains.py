"""Chains on record: a run with its steps in order, and what repeats them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.runs.parameters import command, command_line, options_of, params_fault, recipe
from db.actor import Actor
from db.models import Job, JobNeed
from db.repositories.history import JobRow
from db.repositories.jobs import JobRepository
from db.repositories.needs import NeedRepository
from studio.errors import UserInputError
from tasks.chains import ResultOfStep
from tasks.services import Services


@dataclass(frozen=True, slots=True)
class Chain:
    """What a run and its steps are, in order, the run last; a run without steps is a chain of one.

    Attributes:
        number: of the job that was asked for, from 1.
        needs: what each takes of the others, by its id.

    """

    jobs: Sequence[Job]
    rows: Sequence[JobRow]
    number: int
    needs: Mapping[UUID, Sequence[JobNeed]]

    @property
    def so_far(self) -> Sequence[Job]:
        """The job that was asked for, after those before it."""
        return self.jobs[: self.number]


def chain_of(services: Services, actor: Actor, job: Job) -> Chain:
    """The chain in which ``job`` is a step, or that ends in it; what the person sees of it."""
    with services.database.read() as session:
        runs = JobRepository(session)
        found = {one.id: one for one in runs.chain(actor, job.serves_id or job.id)}
        needs = _among(found, NeedRepository(session).of(found))
        jobs = _in_order(found, needs, job.serves_id or job.id)
        if job.id not in {one.id for one in jobs}:
            jobs = [job]
        rows = {row.id: row for row in runs.rows(actor, [one.id for one in jobs])}
    ids = [one.id for one in jobs]
    seen = [rows[each] for each in ids if each in rows]
    return Chain(jobs, seen, ids.index(job.id) + 1, needs)


def chain_fault(chain: Chain) -> UserInputError | None:
    """Why the parameters of one of the steps so far cannot be read; None when all can."""
    return next(filter(None, map(params_fault, chain.so_far)), None)


def chain_command(chain: Chain) -> str:
    """The command that repeats the steps so far, beside copies of the files that they read.

    Raises:
        UserInputError: as ``params_of`` does.

    """
    first, *others = chain.so_far
    if not others:
        return command_line(first)
    options = []
    for job in chain.so_far:
        options += ["--step", shlex.join([job.tool, *options_of(job, _made_before(chain, job))])]
    return command("chain", first, options)


def chain_fields(chain: Chain) -> Sequence[str]:
    """What REST has to be sent beside ``chain_recipe``, as ``3.alpha=step:1/alpha``.

    Only what a step takes of those before it; not its picture, which it gets unasked.
    """
    return [
        f"{number}.{role}={made}"
        for number, job in enumerate(chain.so_far, 1)
        for (role, _position), made in sorted(_made_before(chain, job).items())
        if role != job.main_role
    ]


def _made_before(chain: Chain, job: Job) -> Mapping[tuple[str, int], str]:
    """What ``job`` takes of the steps so far, named by them, by its own role and position."""
    numbers = {one.id: number for number, one in enumerate(chain.so_far, 1)}
    return {
        (need.role, need.position): str(
            ResultOfStep(numbers[need.needed_id], need.output_role, need.output_position)
        )
        for need in chain.needs.get(job.id, ())
        if need.needed_id in numbers
    }


def chain_recipe(chain: Chain) -> dict[str, Any] | list[dict[str, Any]]:
    """What to run: the recipe of one job, or of each of several steps, as REST takes them."""
    recipes = [recipe(job) for job in chain.so_far]
    return recipes if len(recipes) > 1 else recipes[0]


def _among(found: Mapping[UUID, Job], needs: Sequence[JobNeed]) -> Mapping[UUID, Sequence[JobNeed]]:
    """The needs that jobs of this chain meet for each other, by the waiting job."""
    among: dict[UUID, list[JobNeed]] = {}
    for need in needs:
        if need.needed_id in found:
            among.setdefault(need.job_id, []).append(need)
    return among


def _in_order(
    found: Mapping[UUID, Job], needs: Mapping[UUID, Sequence[JobNeed]], run_id: UUID
) -> list[Job]:
    """From the run back along the pictures that each takes of the one before."""
    line, last = list[Job](), found.get(run_id)
    while last is not None:
        line.append(last)
        before = {need.role: need.needed_id for need in needs.get(last.id, ())}
        before_id = before.get(last.main_role)
        last = found.get(before_id) if before_id else None
    return line[::-1]
