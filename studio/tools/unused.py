"""Parameters that changed nothing, told of in the run's notes."""

from __future__ import annotations

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
            report.note(f"{field.title} {value} changed nothing: {because}.")
