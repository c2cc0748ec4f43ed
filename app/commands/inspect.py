"""``studio inspect``: which run made a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.layout import columns
from app.commands.sources import unreadable
from app.language import _
from studio.errors import UserInputError
from studio.imaging.confined import provenance_confined
from studio.imaging.decode import Limits
from studio.imaging.provenance import Provenance
from studio.settings import get_settings
from studio.words import msg
from tasks.reading import decoding_pool


def inspect(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="A picture from a studio."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell which run made FILE: tool, parameters, digests of inputs and weights."""
    limits = Limits.from_settings(get_settings())
    try:
        provenance = provenance_confined(decoding_pool(), file, limits=limits)
    except OSError as error:
        raise unreadable(file, error) from error
    if provenance is None:
        raise UserInputError(
            msg("It carries no note of a run"),
            remedy=msg("Either no studio made it, or the note was removed since."),
            code="provenance.none",
            file_name=file.name,
        )
    typer.echo(provenance.model_dump_json(indent=2) if as_json else _describe(provenance))


def _describe(provenance: Provenance) -> str:
    run = str(provenance.job_id) if provenance.job_id else _("outside the record, by studio run")
    tool, version = provenance.tool, provenance.tool_version
    rows = [
        (_("run"), run),
        (_("tool"), _("{tool}, version {version:d}", tool=tool, version=version)),
        (_("studio"), provenance.studio_version),
        (_("source"), provenance.digital_source_type),
        *((_("input {role}", role=role), digest) for role, digest in provenance.inputs.items()),
        *(
            (_("weights {model}", model=model), digest)
            for model, digest in provenance.weights.items()
        ),
        *((name, str(value)) for name, value in provenance.params.items() if name != "tool"),
    ]
    return columns(rows)
