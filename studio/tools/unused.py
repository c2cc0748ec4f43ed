"""What was given and changed nothing, told of in the run's notes."""

from __future__ import annotations

from collections.abc import Mapping

from studio.imaging.picture import Picture
from studio.params import ToolParams, unit_of
from studio.report import Report
from studio.words import Message, msg


def note_unused(params: ToolParams, *names: str, because: Message, report: Report) -> None:
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
            what = _named(field.title or name, value, unit_of(name))
            report.note(msg("{what} changed nothing: {because}.", what=what, because=because))


def note_without_effect(params: ToolParams, report: Report) -> None:
    """As ``note_unused``, of every field that the others make meaningless."""
    for name, because in params.without_effect().items():
        note_unused(params, name, because=because, report=report)


def note_unused_input(
    inputs: Mapping[str, Picture], role: str, *, because: Message, report: Report
) -> None:
    """As ``note_unused``, of the picture given as ``role``, if there is one."""
    if role in inputs:
        report.note(msg("The {role} given changed nothing: {because}.", role=role, because=because))


def _named(title: str, value: object, unit: str) -> Message:
    """A field and what it is set to; a switch that is on goes by its title alone."""
    field = Message(title)
    if isinstance(value, bool):
        return field if value else msg("{field} off", field=field)
    shown = value if isinstance(value, int | float) else str(value)
    if unit:
        return msg("{field} {value} {unit}", field=field, value=shown, unit=unit)
    return msg("{field} {value}", field=field, value=shown)
