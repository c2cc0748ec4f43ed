"""``studio doctor``: what is missing here, and what mends it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.diagnosis import Finding, State, diagnose
from tasks.services import get_services

_MARKS = {State.OK: "ok", State.WARNING: "warning", State.FAULT: "FAULT"}


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
    remedy = f" {finding.remedy}" if finding.remedy else ""
    end = "." if remedy else ""
    return f"{finding.part:<9} {_MARKS[finding.state]:<8} {finding.detail}{end}{remedy}"
