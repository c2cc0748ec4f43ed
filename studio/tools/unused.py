"""What was given and changed nothing, told of in the run's notes."""

from __future__ import annotations

from collections.abc import Mapping

from studio.imaging.picture import Picture
from studio.params import ToolParams
from studio.report import Report


def note_unused(params: ToolParams, *names: str, because: str, report: Report) -> None:
    """Say of each of the parameters ``names`` that it changed nothing, unless it has its default.

    Args:
        params: of the run.
        names: its fields.
        because: the reason as a clause, as in "the look has no grain".
        report: notes.

    """
    for name in names:
        field, value = type(params).model_fields[name], getattr(params, name)
        if value != field.default:
            report.note(f"{field.title}{_shown(value)} changed nothing: {because}.")


def note_unused_input(
    inputs: Mapping[str, Picture], role: str, *, because: str, report: Report
) -> None:
    """As ``note_unused``, of the picture given as ``role``, if there is one."""
    if role in inputs:
        report.note(f"The {role} given changed nothing: {because}.")


def _shown(value: object) -> str:
    """A value after its field's title; a switch that is on goes by its title alone."""
    if isinstance(value, bool):
        return "" if value else " off"
    return f" {value}"
