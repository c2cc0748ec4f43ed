"""``studio inspect``: which run made a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.layout import columns
from studio.errors import UserInputError
from studio.imaging.provenance import Provenance, read_provenance


def inspect(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="A picture from a studio."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell which run made FILE: tool, parameters, digests of inputs and weights."""
    provenance = read_provenance(file.read_bytes())
    if provenance is None:
        raise UserInputError(
            "It carries no note of a run",
            remedy="Either no studio made it, or the note was removed since.",
            code="provenance.none",
            file_name=file.name,
        )
    typer.echo(provenance.model_dump_json(indent=2) if as_json else _describe(provenance))


def _describe(provenance: Provenance) -> str:
    run = str(provenance.job_id) if provenance.job_id else "outside the record, by studio run"
    rows = [
        ("run", run),
        ("tool", f"{provenance.tool}, version {provenance.tool_version}"),
        ("studio", provenance.studio_version),
        ("source", provenance.digital_source_type),
        *((f"input {role}", digest) for role, digest in provenance.inputs.items()),
        *((f"weights {model}", digest) for model, digest in provenance.weights.items()),
        *((name, str(value)) for name, value in provenance.params.items() if name != "tool"),
    ]
    return columns(rows)
