"""``studio serve``: one part of the studio in this process, for containers and service managers."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from app.commands.health import is_web_healthy
from studio.errors import StudioError
from studio.private import keep_private
from studio.settings import ROOT, Settings, get_settings
from studio.words import msg
from tasks.services import get_services
from tasks.status import is_beat_here, workers_here
from tasks.supervisor import environment, programs


class Part(StrEnum):
    """What ``studio up`` starts together, under the names it uses."""

    WEB = "web"
    WORKER_GPU = "worker-gpu"
    WORKER_LIGHT = "worker-light"
    BEAT = "beat"


_ASKED_BY = {
    Part.WORKER_GPU: ("STUDIO_NETWORK_WORKERS",),
    Part.WORKER_LIGHT: ("STUDIO_LIGHT_WORKERS",),
    Part.BEAT: ("STUDIO_NETWORK_WORKERS", "STUDIO_LIGHT_WORKERS"),
}
"""The settings that switch a part on."""


class NotServedError(StudioError):
    """The part is switched off by the settings, or not at work."""

    code = "serve"


def serve(
    part: Annotated[Part, typer.Argument(help="The part to run until it is stopped.")],
    check: Annotated[
        bool,
        typer.Option("--check", help="Start nothing; exit code 1 unless it is at work here."),
    ] = False,
) -> None:
    """Run one PART of the studio here, as `studio up` would, without a supervisor."""
    settings = get_settings()
    if check:
        _require_at_work(settings, part)
        return
    command = {program.name: program.command for program in programs(settings)}.get(part)
    if command is None:
        raise NotServedError(
            msg("The settings ask for no {part}; see {names}.", part=part, names=_ASKED_BY[part])
        )
    keep_private(settings.data_dir)
    os.chdir(ROOT)
    os.execve(command[0], command, environment(settings))  # noqa: S606 — our own command


def _require_at_work(settings: Settings, part: Part) -> None:
    match part:
        case Part.WEB:
            is_at_work = is_web_healthy(settings)
        case Part.WORKER_GPU | Part.WORKER_LIGHT:
            here = workers_here(get_services(), part.removeprefix("worker-"))
            is_at_work = bool(here) and not any(worker.is_deaf for worker in here)
        case Part.BEAT:
            is_at_work = is_beat_here(get_services())
    if not is_at_work:
        raise NotServedError(msg("{part} is not at work here.", part=part))
