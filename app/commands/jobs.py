"""``studio jobs``: what pages and REST do with a run on record, for whoever is at the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.commands.database import ready_services
from app.commands.operator import acting_as
from app.commands.run_facts import description, listing
from app.commands.saving import save_new, writing
from app.commands.sources import no_output
from app.language import _, _n
from app.runs.addresses import saved_name
from app.runs.keeping import show_to
from app.runs.reading import require_run
from app.runs.views import job_list, job_view
from db.models import Job, JobOutput
from db.repositories.history import JobFilters
from db.states import JobState
from db.types import Visibility
from studio.errors import UserInputError
from studio.text import shown
from studio.words import msg
from tasks import batches, submit

app = typer.Typer(
    help="List, show, stop, repeat, share and fetch runs on record.", no_args_is_help=True
)


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(
            _("“{text}” is no id. “studio jobs list --json” names them.", text=shown(text))
        ) from None


JobId = Annotated[UUID, typer.Argument(parser=_read_id, metavar="JOB", help="The run's id.")]
BatchId = Annotated[UUID, typer.Argument(parser=_read_id, metavar="BATCH", help="The batch's id.")]
Name = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="NAME",
        help="On whose behalf, with their rights; the oldest enabled admin where nobody is named.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as REST answers.")]


@app.command("list")
def list_jobs(
    tool: Annotated[str | None, typer.Option(help="Of this tool alone.")] = None,
    state: Annotated[JobState | None, typer.Option(help="In this state alone.")] = None,
    text: Annotated[
        str, typer.Option(help="Words that all occur in file name, model, batch, tags or note.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Runs at the most.")] = 24,
    cursor: Annotated[
        str | None, typer.Option(help="Of the page after, as the page before gave it.")
    ] = None,
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    services = ready_services()
    filters = JobFilters(tool=tool, state=state, text=text)
    found = job_list(services, acting_as(services, name), filters, limit=limit, cursor=cursor)
    typer.echo(found.model_dump_json(indent=2) if as_json else listing(found))


@app.command()
def show(job_id: JobId, name: Name = "", as_json: AsJson = False) -> None:
    """Show how a run stands: state, progress, parameters, files, and why it failed."""
    services = ready_services()
    actor = acting_as(services, name)
    view = job_view(services, actor, require_run(services, actor, job_id))
    typer.echo(view.model_dump_json(indent=2) if as_json else description(view))


@app.command()
def cancel(job_id: JobId, name: Name = "") -> None:
    """Stop a run that waits or works, and its steps."""
    services = ready_services()
    if submit.cancel(services, acting_as(services, name), job_id):
        typer.echo(_("It is cancelled, or stops within a second or so."))
    else:
        typer.echo(_("It had ended already."))


@app.command()
def rerun(job_id: JobId, name: Name = "") -> None:
    """Queue the same inputs and parameters again, and print the new run's id.

    A chain goes on from the first step that made nothing.
    """
    services = ready_services()
    typer.echo(str(submit.rerun(services, acting_as(services, name), job_id)))


@app.command()
def share(
    job_id: JobId,
    visibility: Annotated[
        Visibility,
        typer.Argument(help="team, or private: for its owner and the admins alone."),
    ],
    name: Name = "",
) -> None:
    """Say who sees a run and its steps."""
    services = ready_services()
    show_to(services, acting_as(services, name), job_id, visibility)
    if visibility is Visibility.TEAM:
        typer.echo(_("The whole team sees it now."))
    else:
        typer.echo(_("Its owner and the admins alone see it now."))


@app.command()
def download(
    job_id: JobId,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the files.")] = Path(),
    role: Annotated[str, typer.Option(help="Of this role alone, such as image.")] = "",
    name: Name = "",
) -> None:
    """Save what a run has made, and print where.

    Existing files are never overwritten: a number is added to the name.
    """
    services = ready_services()
    job = require_run(services, acting_as(services, name), job_id)
    files = _made(job, role)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            path = save_new(out, saved_name(file), services.blobs.pieces(file.blob_sha256))
            typer.echo(str(path))


@app.command()
def pause(batch_id: BatchId, name: Name = "") -> None:
    """Let the queued runs of a batch wait; those that run finish."""
    services = ready_services()
    moved = batches.pause(services, acting_as(services, name), batch_id)
    typer.echo(_n("{n} run waits now.", "{n} runs wait now.", moved))


@app.command()
def resume(batch_id: BatchId, name: Name = "") -> None:
    """Queue what waits since the batch was paused, in its old order."""
    services = ready_services()
    moved = batches.resume(services, acting_as(services, name), batch_id)
    typer.echo(_n("{n} run is queued again.", "{n} runs are queued again.", moved))


def _made(job: Job, role: str) -> list[JobOutput]:
    """The files of ``job`` in ``role``, or all of them where none is named."""
    if not job.outputs:
        raise UserInputError(
            msg(
                "“{title}” ({tool}) is {state} and has no files",
                title=job.title,
                tool=job.tool,
                state=job.state,
            ),
            remedy=msg("Wait until it has succeeded, or run it again."),
            code="need.no_output",
        )
    files = [file for file in job.outputs if role in ("", file.role)]
    if not files:
        raise no_output(role)
    return files
