"""``studio run``: one tool on files, in this process, without server or database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from app.commands.tool_options import (
    further_roles,
    parameter_fields,
    parameter_options,
    role_options,
    value,
)
from studio.errors import StudioError, UserInputError
from studio.imaging.decode import Limits
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import ToolParams, parse_params
from studio.report import ProgressSink, Report, Stage, ignore_progress
from studio.settings import Settings, get_settings
from studio.tools.pipeline import EncodedOutput, InputFile, RunResult, run_tool
from studio.tools.spec import TOOLS, ToolSpec, get_tool

_MANNERS = """A file that is refused does not stop the others; the exit code is then 1. Existing
files are never overwritten: a number is added to the name."""
_FILES = Annotated[list[Path], typer.Argument(help="Pictures; each is a run of its own.")]
_OUT = Annotated[Path, typer.Option(file_okay=False, help="Folder for the results.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    help="Run one tool on files here and now; no server and no database are needed.",
    no_args_is_help=True,
)


def _add_command(name: str) -> None:
    """``studio run NAME``, whose options are the tool's inputs and parameters."""
    spec = get_tool(name)

    def command(files: list[Path], out: Path, as_json: bool, **given: object) -> None:
        _run(get_tool(name), given, files, out, as_json=as_json)

    options = [
        Parameter("files", Parameter.KEYWORD_ONLY, annotation=_FILES),
        *role_options(spec),
        *parameter_options(spec.params),
        Parameter("out", Parameter.KEYWORD_ONLY, annotation=_OUT, default=Path()),
        Parameter("as_json", Parameter.KEYWORD_ONLY, annotation=_JSON, default=False),
    ]
    # Typer reads a command's options off its signature.
    command.__signature__ = Signature(options)  # type: ignore[attr-defined]
    summary = (spec.params.__doc__ or "").splitlines()[0]
    app.command(name, help=f"{summary}\n\n{_MANNERS}", short_help=summary)(command)


for _name in TOOLS:
    _add_command(_name)


def _run(
    spec: ToolSpec, given: Mapping[str, Any], files: list[Path], out: Path, *, as_json: bool
) -> None:
    settings = get_settings()
    chosen = {name: given[name] for name in parameter_fields(spec.params)}
    params = parse_params(
        spec.name, {name: value(text) for name, text in chosen.items() if text is not None}
    )
    bench = _Bench(
        spec=spec,
        params=params,
        extra=[(role, file) for role in further_roles(spec) for file in _paths(given[role])],
        settings=settings,
        models=ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings),
        out=out,
    )
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
    results = list(bench.run_all(files, as_json=as_json))
    if as_json:
        document = {"tool": spec.name, "params": params.model_dump(mode="json"), "results": results}
        typer.echo(json.dumps(document, indent=2))
    if not all(result["ok"] for result in results):
        raise typer.Exit(1)


def _paths(given: Path | list[Path] | None) -> list[Path]:
    return given if isinstance(given, list) else [given] if given else []


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all files of one command share."""

    spec: ToolSpec
    params: ToolParams
    extra: Sequence[tuple[str, Path]]
    settings: Settings
    models: ModelCache
    out: Path

    def run_all(self, files: Sequence[Path], *, as_json: bool) -> Iterator[dict[str, Any]]:
        for file in files:
            try:
                with _bar(file.name, is_hidden=as_json) as sink:
                    result = self._run(file, sink)
                    with _writing(self.out):
                        outputs = [(output, self._save(output)) for output in result.outputs]
            except StudioError as error:
                typer.echo(_sentence(file, error), err=True)
                yield _refusal(file, error)
                continue
            if not as_json:
                typer.echo(_describe(file, result, outputs))
            yield _success(file, result, outputs)

    def _run(self, file: Path, sink: ProgressSink) -> RunResult:
        limits = Limits.from_settings(self.settings)
        paths = [("image", file), *self.extra]
        return run_tool(
            self.spec,
            [InputFile(role, path.name, _read(path, limits)) for role, path in paths],
            self.params,
            self.models,
            Report(sink),
            limits=limits,
            embed_provenance=self.settings.embed_provenance,
        )

    def _save(self, output: EncodedOutput) -> Path:
        """Write under the output's name, or that name with the first free number."""
        wanted = self.out / output.file_name
        number = 1
        path = wanted
        while True:
            try:
                with path.open("xb") as handle:
                    handle.write(output.data)
            except FileExistsError:
                number += 1
                path = wanted.with_stem(f"{wanted.stem}-{number}")
            else:
                return path


def _read(path: Path, limits: Limits) -> bytes:
    """The file's bytes; of an oversized one only enough to be refused for its size."""
    try:
        with path.open("rb") as handle:
            return handle.read(limits.max_bytes + 1)
    except OSError as error:
        raise UserInputError(
            f"The file cannot be read ({error.strerror})",
            remedy="Check its name and permissions.",
            code="file.unreadable",
            file_name=path.name,
        ) from error


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A folder that takes no files is a refusal, not a traceback."""
    try:
        yield
    except OSError as error:
        raise UserInputError(
            f"Results cannot be written to {folder} ({error.strerror})",
            remedy="Choose another folder with --out, or make room there.",
            code="out.unwritable",
        ) from error


def _sentence(file: Path, error: StudioError) -> str:
    names_file = isinstance(error, UserInputError) and error.file_name
    return error.message if names_file else f"{file.name}: {error.message}"


def _model(result: RunResult) -> str:
    return ", ".join(use.id for use in result.record.weights) or "no network"


def _describe(file: Path, result: RunResult, outputs: Sequence[tuple[EncodedOutput, Path]]) -> str:
    seconds = sum(result.record.seconds.values())
    lines = [f"{file.name}: {seconds:.2f} s, {_model(result)}"]
    lines += [f"  {use.id} sha256 {use.sha256}" for use in result.record.weights]
    for output, path in outputs:
        size = f"{output.width_px} × {output.height_px} px, {len(output.data)} bytes"
        lines.append(f"  {output.role}: {path} ({size}, sha256 {sha256(output.data).hexdigest()})")
    return "\n".join(lines + [f"  note: {note}" for note in result.record.notes])


def _success(
    file: Path, result: RunResult, outputs: Sequence[tuple[EncodedOutput, Path]]
) -> dict[str, Any]:
    return {
        "file": str(file),
        "ok": True,
        "seconds": round(sum(result.record.seconds.values()), 4),
        "model": _model(result),
        "outputs": [
            {
                "role": output.role,
                "path": str(path),
                "media_type": output.media_type,
                "width_px": output.width_px,
                "height_px": output.height_px,
                "bytes": len(output.data),
                "sha256": sha256(output.data).hexdigest(),
            }
            for output, path in outputs
        ],
        "record": result.record.model_dump(mode="json"),
    }


def _refusal(file: Path, error: StudioError) -> dict[str, Any]:
    return {
        "file": str(file),
        "ok": False,
        "error": {"code": error.code, "message": _sentence(file, error)},
    }


@contextmanager
def _bar(name: str, *, is_hidden: bool) -> Iterator[ProgressSink]:
    """A progress bar on a terminal, gone when the file is done; nothing elsewhere."""
    console = Console(stderr=True)
    if is_hidden or not console.is_terminal:
        yield ignore_progress
        return
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task(name, total=1.0)

        def sink(fraction: float, stage: Stage) -> None:
            bars.update(task, completed=fraction, description=f"{name} ({stage})")

        yield sink
