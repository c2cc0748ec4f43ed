"""Where ``studio run`` works: one tool, or several in turn, on files, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress

from app.commands.saving import save_new, writing
from app.commands.sources import Sources
from app.commands.told import told
from app.language import _, _n, said
from app.runs.records import said_record
from db.errors import RecordError
from studio.errors import StudioError, UserInputError
from studio.imaging.decode import Limits
from studio.models.cache import ModelCache
from studio.params import ToolParams
from studio.report import ProgressSink, Report, Stage, ignore_progress
from studio.settings import Settings
from studio.tools.pipeline import EncodedOutput, InputFile, RunResult, run_tool
from studio.tools.spec import RESULT_ROLE, ToolSpec
from studio.words import N_, Message, Value, msg
from tasks.reading import decoding_pool
from tasks.requests import JOB

Made = EncodedOutput[BytesIO]
"""A file that a step made. Later steps may name it, so it stays in memory for one picture."""

Done = RunResult[BytesIO]
"""A step that has run."""

Saved = Sequence[tuple[Made, Path]]
"""Outputs and where they were written."""


@dataclass(frozen=True, slots=True)
class Step:
    """A tool and how it shall run.

    Attributes:
        further: the files that it reads besides its picture, with their roles: paths, and names
            of what other jobs or earlier steps make.

    """

    spec: ToolSpec
    params: ToolParams
    further: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Workbench:
    """What all files of one command share. ``steps`` are one or more."""

    steps: Sequence[Step]
    settings: Settings
    models: ModelCache
    out: Path

    def run_all(self, files: Sequence[str], *, as_json: bool) -> Iterator[dict[str, Any]]:
        """Run all steps on each file; what is refused is said, and the others go on.

        ``files`` are paths and names of what other jobs make, as they were typed: ``./`` tells a
        path from such a name.

        Yields what ``--json`` prints of each. Of a chain that ends early, what its steps have made
        is written, so that one can go on from there.
        """
        with writing(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        for file in files:
            done: list[Done] = []
            try:
                with _bar(_name(file), is_hidden=as_json) as sink:
                    self._run(file, done, sink)
                outputs = self._save(done[-1])
            except (StudioError, RecordError) as error:
                yield self._refused(file, done, error)
                continue
            if not as_json:
                typer.echo(_describe(file, self.steps, done, outputs))
            yield _success(file, self.steps, done, outputs)

    def _run(self, file: str, done: list[Done], sink: ProgressSink) -> None:
        """Run each step, and append what it made to ``done``."""
        sources = Sources(Limits.from_settings(self.settings))
        picture = sources.read(file, done)
        for number, step in enumerate(self.steps):
            further = [(role, *sources.read(name, done)) for role, name in step.further]
            result = run_tool(
                step.spec,
                [InputFile(*given) for given in ((step.spec.main_role, *picture), *further)],
                step.params,
                self.models,
                Report(_part(sink, number, len(self.steps))),
                limits=sources.limits,
                new_file=BytesIO,
                embed_provenance=self.settings.embed_provenance,
                pool=decoding_pool(),
            )
            done.append(result)
            picture = next(
                (made.file_name, made.file.getvalue())
                for made in result.outputs
                if made.role == RESULT_ROLE
            )

    def _refused(
        self, file: str, done: Sequence[Done], error: StudioError | RecordError
    ) -> dict[str, Any]:
        names_file = isinstance(error, UserInputError) and error.file_name
        sentence = (
            error.message
            if names_file
            else msg("{file}: {reason}", file=_name(file), reason=error.message)
        )
        refusal: dict[str, Any] = {
            "file": file,
            "ok": False,
            "error": {"code": error.code, "message": said(sentence)},
        }
        typer.echo(told(error, sentence), err=True)
        if len(self.steps) == 1:
            return refusal
        number = min(len(done) + 1, len(self.steps))
        tool = self.steps[number - 1].spec.name
        typer.echo("  " + _("at step {number}, {tool}", number=number, tool=tool), err=True)
        made = [output for result in done[: number - 1] for output in result.outputs]
        return refusal | {"step": number} | self._keep(made)

    def _keep(self, made: Sequence[Made]) -> dict[str, Any]:
        """Save what the steps before have made, as far as that can be; for ``--json``, too."""
        kept: list[dict[str, Any]] = []
        lost: list[dict[str, Any]] = []
        for output in made:
            try:
                path = self._save_one(output)
            except StudioError as error:
                reason = msg(
                    "not kept from the steps before: {role}: {reason}",
                    role=output.role,
                    reason=error.message,
                )
                words = told(error, reason)
                fault = {"code": error.code, "message": said(error.message)}
                lost.append({"role": output.role, "error": fault})
            else:
                words = _(
                    "kept from the steps before: {role}: {path}", role=output.role, path=str(path)
                )
                kept.append(_output(output, path))
            typer.echo(f"  {words}", err=True)
        return {"kept": kept, "lost": lost}

    def _save(self, result: Done) -> Saved:
        return [(output, self._save_one(output)) for output in result.outputs]

    def _save_one(self, output: Made) -> Path:
        with writing(self.out):
            return save_new(self.out, output.file_name, [output.file.getbuffer()])


def _name(file: str) -> str:
    """What messages call a picture: its file name, or the whole name of another job's result."""
    return file if file.startswith(JOB) else Path(file).name


def _model(result: Done) -> Message:
    ids = tuple(use.id for use in result.record.weights)
    return msg("{models}", models=ids) if ids else msg("no network")


def _seconds(result: Done) -> float:
    return sum(result.record.seconds.values())


def _describe(file: str, steps: Sequence[Step], done: Sequence[Done], outputs: Saved) -> str:
    lines = []
    for step, result in zip(steps, done, strict=True):
        facts: dict[str, Value] = {
            "file": _name(file),
            "tool": step.spec.name,
            "seconds": _seconds(result),
            "model": _model(result),
        }
        what = (
            N_("{file}: {seconds:.2f} s, {model}")
            if len(steps) == 1
            else N_("{file}, {tool}: {seconds:.2f} s, {model}")
        )
        lines.append(said(Message(what, facts)))
        lines += [f"  {use.id} sha256 {use.sha256}" for use in result.record.weights]
        lines += ["  " + _("note: {note}", note=note) for note in result.record.notes]
    for output, path in outputs:
        words = _n(
            "{role}: {path} ({width} × {height} px, {n} byte, sha256 {sha256})",
            "{role}: {path} ({width} × {height} px, {n} bytes, sha256 {sha256})",
            output.file.getbuffer().nbytes,
            role=output.role,
            path=str(path),
            width=output.width_px,
            height=output.height_px,
            sha256=_sha256(output),
        )
        lines.append(f"  {words}")
    return "\n".join(lines)


def _success(
    file: str, steps: Sequence[Step], done: Sequence[Done], outputs: Saved
) -> dict[str, Any]:
    found = {
        "file": file,
        "ok": True,
        **_about(done[-1]),
        "outputs": [_output(*each) for each in outputs],
    }
    if len(steps) > 1:
        found["steps"] = [
            {"tool": step.spec.name, **_about(result)}
            for step, result in zip(steps, done, strict=True)
        ]
    return found


def _about(result: Done) -> dict[str, Any]:
    return {
        "seconds": round(_seconds(result), 4),
        "model": said(_model(result)),
        "record": said_record(result.record.model_dump(mode="json")),
    }


def _output(output: Made, path: Path) -> dict[str, Any]:
    return {
        "role": output.role,
        "path": str(path),
        "media_type": output.media_type,
        "width_px": output.width_px,
        "height_px": output.height_px,
        "bytes": output.file.getbuffer().nbytes,
        "sha256": _sha256(output),
    }


def _sha256(output: Made) -> str:
    return sha256(output.file.getbuffer()).hexdigest()


def _part(sink: ProgressSink, number: int, total: int) -> ProgressSink:
    """What a step says of itself, as its part of the whole."""
    return lambda fraction, stage: sink((number + fraction) / total, stage)


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
