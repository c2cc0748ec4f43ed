"""Where the bytes of a named file come from: the disk, an earlier step, or the studio's record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import UUID

import typer

from app.commands.database import ready_services
from app.commands.operator import operator
from app.language import _
from app.runs.reading import require_run
from db.actor import Actor
from db.errors import DatabaseAwayError
from db.models import Job
from db.states import JobState
from studio.errors import UserInputError
from studio.imaging.decode import Limits
from studio.tools.pipeline import RunResult
from studio.words import msg
from tasks.chains import STEP, ResultOfStep
from tasks.requests import JOB, ResultOf
from tasks.services import Services

_POLL_S = 0.5

NamedFile = tuple[str, bytes]
"""A file's name and what it holds."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Reads files for one picture; ``limits`` bound what is read of one."""

    limits: Limits

    def read(self, name: str, done: Sequence[RunResult[BytesIO]]) -> NamedFile:
        """The file at a path; what ``step:N/ROLE`` in ``done`` or ``job:ID/ROLE`` made.

        A job that has not ended is waited for.

        Raises:
            UserInputError: ``file.unreadable``, ``file.unnamed``, ``need.no_output``,
                ``need.ended`` or ``job.not_found``.
            StudioError: the studio's record is not ready, or lacks the bytes.
            RecordError: the database went away.

        """
        try:
            if name.startswith(STEP):
                return _made_by_step(ResultOfStep.parse(name), done)
            if name.startswith(JOB):
                return _made_by_job(ResultOf.parse(name))
        except ValueError as error:
            raise UserInputError(
                msg("This names no result"),
                remedy=msg(
                    "Write {job}ID/ROLE for what a job of the studio makes, {step}N/ROLE for "
                    "what an earlier step of the chain makes, or ./ before a file of that "
                    "name.",
                    job=JOB,
                    step=STEP,
                ),
                code="file.unnamed",
                file_name=name,
            ) from error
        return self._on_disk(Path(name))

    def _on_disk(self, path: Path) -> NamedFile:
        """Of an oversized file only enough to be refused for its size."""
        try:
            with path.open("rb") as handle:
                return path.name, handle.read(self.limits.max_bytes + 1)
        except OSError as error:
            raise unreadable(path, error) from error


def _made_by_step(named: ResultOfStep, done: Sequence[RunResult[BytesIO]]) -> NamedFile:
    if not 1 <= named.step <= len(done):
        raise UserInputError(
            msg(
                "Step {number} cannot use what step {step} makes",
                number=len(done) + 1,
                step=named.step,
            ),
            remedy=msg("Use the result of a step before it."),
            code="chain.order",
        )
    outputs = [file for file in done[named.step - 1].outputs if file.role == named.role]
    if len(outputs) <= named.position:
        raise no_output(named.role)
    made = outputs[named.position]
    return made.file_name, made.file.getvalue()


def _made_by_job(named: ResultOf) -> NamedFile:
    services = ready_services()
    job = _wait(services, operator(services), named.job_id)
    outputs = [file for file in job.outputs if file.role == named.role]
    if len(outputs) <= named.position:
        raise no_output(named.role)
    made = outputs[named.position]
    return made.file_name, services.blobs.read(made.blob_sha256)


def _wait(services: Services, actor: Actor, job_id: UUID) -> Job:
    """The job once it has succeeded, though the database be away meanwhile."""
    is_said = is_away = False
    while True:
        try:
            job = require_run(services, actor, job_id)
        except DatabaseAwayError:
            if not is_away:
                typer.echo(_("The database does not answer; waiting until it does…"), err=True)
            is_away = True
            time.sleep(_POLL_S)
            continue
        is_away = False
        if job.state is JobState.SUCCEEDED:
            return job
        if job.state.is_terminal:
            raise UserInputError(
                msg(
                    "“{title}” ({tool}) ended as {state} and made nothing to go on with",
                    title=job.title,
                    tool=job.tool,
                    state=job.state,
                ),
                remedy=msg("Run it again first."),
                code="need.ended",
            )
        if not is_said:
            typer.echo(
                _(
                    "Waiting for “{title}” ({tool}), which is {state}…",
                    title=job.title,
                    tool=job.tool,
                    state=job.state,
                ),
                err=True,
            )
            is_said = True
        time.sleep(_POLL_S)


def unreadable(path: Path, error: OSError) -> UserInputError:
    """Refuses a file that the system does not let the command read."""
    return UserInputError(
        msg("The file cannot be read ({fault})", fault=str(error.strerror)),
        remedy=msg("Check its name and permissions."),
        code="file.unreadable",
        file_name=path.name,
    )


def no_output(role: str) -> UserInputError:
    """Refuses a file that a run has not made, in a role of which it may have made others."""
    return UserInputError(
        msg("It made no file in the role “{role}”", role=role),
        remedy=msg("Choose one of the files it made."),
        code="need.no_output",
    )
