"""``studio serve``: one part of the studio in this process, for containers and service managers."""

from __future__ import annotations

import os
import socket
from enum import StrEnum
from typing import Annotated

import typer

from app.commands.health import is_web_healthy
from studio.errors import StudioError
from studio.settings import ROOT, Settings, get_settings
from tasks.services import get_services
from tasks.status import live_workers
from tasks.supervisor import environment, programs


class Part(StrEnum):
    """What ``studio up`` starts together, under the names it uses."""

    WEB = "web"
    WORKER_GPU = "worker-gpu"
    WORKER_LIGHT = "worker-light"
    BEAT = "beat"


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
        raise NotServedError(f"The settings ask for no {part}; see STUDIO_NETWORK_WORKERS.")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    os.execve(command[0], command, environment(settings))  # noqa: S606 — our own command


def _require_at_work(settings: Settings, part: Part) -> None:
    match part:
        case Part.WEB:
            is_at_work = is_web_healthy(settings)
        case Part.WORKER_GPU | Part.WORKER_LIGHT:
            name = f"{part.removeprefix('worker-')}@{socket.gethostname()}"
            is_at_work = any(worker.name == name for worker in live_workers(get_services()))
        case Part.BEAT:
            raise NotServedError("beat does not report; its platform sees whether it runs.")
    if not is_at_work:
        raise NotServedError(f"{part} is not at work here.")
