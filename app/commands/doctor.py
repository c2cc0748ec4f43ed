"""``studio doctor``: what is missing here, and what mends it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands.diagnosis import Finding, State, diagnose
from app.language import _, said
from studio.words import N_, Message
from tasks.services import get_services

_MARKS = {State.OK: N_("ok"), State.WARNING: N_("warning"), State.FAULT: N_("FAULT")}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check every part of this studio; exit code 1 when one is at fault."""
    findings = []
    for finding in diagnose(get_services()):
        findings.append(finding)
        if not as_json:
            typer.echo(_line(finding))
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings], indent=2))
    if any(finding.state is State.FAULT for finding in findings):
        raise typer.Exit(1)


def _line(finding: Finding) -> str:
    words = (
        _("{detail}. {remedy}", detail=finding.detail, remedy=finding.remedy)
        if finding.remedy
        else finding.detail
    )
    return f"{finding.part:<9} {said(Message(_MARKS[finding.state])):<8} {words}"
