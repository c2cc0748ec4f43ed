"""``studio run``: tools on files, in this process, without server or database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated

import typer

from app.commands.chain_steps import parse_step
from app.commands.helping import help_of
from app.commands.tool_options import options_of, read_step
from app.commands.workbench import Step, Workbench
from app.weights.management import open_store
from studio.models.cache import ModelCache
from studio.settings import get_settings
from studio.tools.registry import TOOLS, get_tool
from studio.words import Message, msg
from tasks.chains import require_length

_MANNERS = msg(
    "A file that is refused does not stop the others; the exit code is then 1. Existing files are "
    "never overwritten: a number is added to the name. job:ID/ROLE in place of a file is what a "
    "run of this studio makes, and is waited for."
)
_FILES = Annotated[list[str], typer.Argument(help="Pictures; each is a run of its own.")]
_OUT = Annotated[Path, typer.Option(file_okay=False, help="Folder for the results.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_STEPS = Annotated[
    list[str],
    typer.Option(
        "--step",
        metavar="'TOOL …'",
        help="A tool with its options, as studio run takes them. Its picture is the result of the "
        "step before. step:N/ROLE in place of a file is what step N made.",
    ),
]

app = typer.Typer(
    help="Run tools on files here and now; no server and no database are needed.",
    no_args_is_help=True,
)


def _add_command(name: str) -> None:
    """``studio run NAME``, whose options are the tool's inputs and parameters."""
    spec = get_tool(name)

    def command(files: list[str], out: Path, as_json: bool, **given: object) -> None:
        _run([read_step(get_tool(name), given)], files, out, as_json=as_json)

    options = [
        Parameter("files", Parameter.KEYWORD_ONLY, annotation=_FILES),
        *options_of(spec),
        Parameter("out", Parameter.KEYWORD_ONLY, annotation=_OUT, default=Path()),
        Parameter("as_json", Parameter.KEYWORD_ONLY, annotation=_JSON, default=False),
    ]
    # Typer reads a command's options off its signature.
    command.__signature__ = Signature(options)  # type: ignore[attr-defined]
    summary = Message(spec.summary)
    app.command(name, help=_with_manners(summary), short_help=help_of(summary))(command)


def _with_manners(summary: Message) -> str:
    return help_of(msg("{summary}\n\n{manners}", summary=summary, manners=_MANNERS))


for _name in TOOLS:
    _add_command(_name)


@app.command("chain", help=_with_manners(msg("Run tools one after another on each picture.")))
def chain(files: _FILES, steps: _STEPS, out: _OUT = Path(), as_json: _JSON = False) -> None:
    """Run tools one after another on each picture."""
    require_length(len(steps))
    _run(
        [parse_step(text, number) for number, text in enumerate(steps, 1)],
        files,
        out,
        as_json=as_json,
    )


def _run(steps: Sequence[Step], files: list[str], out: Path, *, as_json: bool) -> None:
    settings = get_settings()
    models = ModelCache(open_store(settings), settings)
    results = list(Workbench(steps, settings, models, out).run_all(files, as_json=as_json))
    if as_json:
        recipes = [
            {"tool": step.spec.name, "params": step.params.model_dump(mode="json")}
            for step in steps
        ]
        what = recipes[0] if len(steps) == 1 else {"steps": recipes}
        typer.echo(json.dumps({**what, "results": results}, indent=2))
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)
