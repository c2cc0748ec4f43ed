"""The command line: ``studio``. Every command does what a page does, with the same names."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
import typer.main

from app.commands import doctor, inspect, jobs, migrate, run, serve, up, user, weights
from app.commands.helping import translate
from app.commands.told import told
from app.language import language_of_terminal, speaking
from db.errors import RecordError
from studio.errors import StudioError

app = typer.Typer(
    name="studio",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"darkroom {version('darkroom')}")
        raise typer.Exit


@app.callback()
def _before(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Darkroom, a self-hosted photo studio: start it, look after it, or run one tool here."""


app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.add_typer(run.app, name="run")
app.add_typer(jobs.app, name="jobs")
app.add_typer(weights.app, name="weights")
app.add_typer(user.app, name="user")


def main() -> None:
    """Entry point of the ``studio`` command.

    An expected failure is one sentence on the error stream, with its code in brackets, and
    exit code 1; wrong usage is exit code 2.
    """
    with speaking(language_of_terminal()):
        command = typer.main.get_command(app)
        translate(command)
        try:
            command()
        except (StudioError, RecordError) as error:
            typer.echo(told(error), err=True)
            sys.exit(1)
