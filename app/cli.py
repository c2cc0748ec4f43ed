"""The command line: ``studio``. Every command does what a page does, with the same names."""

from __future__ import annotations

import sys

import typer

from app.commands import doctor, inspect, migrate, run, serve, up, user, weights
from db.errors import RecordError
from studio.errors import StudioError

app = typer.Typer(
    name="studio",
    help="Darkroom, a self-hosted photo studio: start it, look after it, or run one tool here.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.add_typer(run.app, name="run")
app.add_typer(weights.app, name="weights")
app.add_typer(user.app, name="user")


def main() -> None:
    """Entry point of the ``studio`` command.

    An expected failure is one sentence on the error stream and exit code 1; wrong usage
    is exit code 2.
    """
    try:
        app()
    except (StudioError, RecordError) as error:
        typer.echo(error.message, err=True)
        sys.exit(1)
