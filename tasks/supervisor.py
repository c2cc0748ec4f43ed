"""The whole studio as processes that a supervisor keeps alive, for one machine.

::

    web           pages, sign-in, downloads                     one process
    worker-gpu    lane gpu: networks, resident models           network_workers children
    worker-light  lanes cpu and maintenance                     light_workers children
    beat          sees to the queue, wakes maintenance          one process

Without light workers the gpu worker keeps maintenance; without any worker there is no beat,
for nobody would take its tokens.

Containers run the same commands, one each, and leave the restarting to their platform.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pydantic import SecretStr

from db.types import Lane
from studio.settings import ROOT, Settings
from tasks.celery_app import queue_name

STOP_WAIT_S = 10
"""A job that runs longer than this after a stop is killed, and run again at next start."""
LOG_BYTES = 10_000_000
LOG_BACKUPS = 3

MAX_SOCKET_MESSAGE_BYTES = 16_000_000
"""Of one message of a page; the state of all its widgets, drawings included, is one."""

_CELERY = (sys.executable, "-m", "celery", "-A", "tasks.celery_app")


@dataclass(frozen=True, slots=True)
class Program:
    """A process that is restarted whenever it ends."""

    name: str
    command: tuple[str, ...]


def programs(settings: Settings) -> list[Program]:
    """What runs under ``settings``; a lane group without workers is left out."""
    found = [Program("web", _web(settings))]
    if settings.network_workers:
        heavy = [Lane.GPU] if settings.light_workers else [Lane.GPU, Lane.MAINTENANCE]
        found.append(Program("worker-gpu", worker(heavy, settings.network_workers, "gpu")))
    if settings.light_workers:
        light = [Lane.CPU, Lane.MAINTENANCE]
        found.append(Program("worker-light", worker(light, settings.light_workers, "light")))
    if settings.network_workers or settings.light_workers:
        found.append(Program("beat", (*_CELERY, "beat", "--loglevel=WARNING", "--pidfile=")))
    return found


def worker(lanes: Sequence[Lane], children: int, name: str) -> tuple[str, ...]:
    """The command of a worker for ``lanes`` that runs ``children`` jobs at once."""
    return (
        *_CELERY,
        "worker",
        f"--queues={','.join(queue_name(lane) for lane in lanes)}",
        f"--concurrency={children}",
        f"--hostname={name}@%h",
        "--pool=prefork",
        "--loglevel=INFO",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    )


def _web(settings: Settings) -> tuple[str, ...]:
    address = (f"--host={settings.host}", f"--port={settings.port}")
    # Whom to believe about addresses is decided by ``STUDIO_TRUSTED_PROXIES`` alone.
    options = ("--no-access-log", "--no-proxy-headers", f"--ws-max-size={MAX_SOCKET_MESSAGE_BYTES}")
    return (sys.executable, "-m", "uvicorn", "app.web.asgi:app", *address, *options)


def write_config(settings: Settings, chosen: Sequence[Program] | None = None) -> Path:
    """Write the supervisor's configuration into ``data_dir`` and return its path.

    It runs the ``chosen`` programs, by default all that ``settings`` ask for.
    """
    logs = settings.data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    head = {
        "nodaemon": "true",
        "logfile": str(logs / "supervisor.log"),
        "pidfile": str(settings.data_dir / "supervisor.pid"),
        "childlogdir": str(logs),
    }
    sections = [_section("supervisord", head)]
    members = chosen or programs(settings)
    sections += [_program_section(program, logs) for program in members]
    # Groups are stopped one after the other, the members of one all at once.
    group = {"programs": ",".join(program.name for program in members)}
    sections.append(_section("group:studio", group))
    path = settings.data_dir / "supervisor.conf"
    path.write_text("\n".join(sections), encoding="utf-8")
    return path


def _program_section(program: Program, logs: Path) -> str:
    values = {
        "command": shlex.join(program.command),
        "directory": str(ROOT),
        "autorestart": "true",
        "startsecs": "1",
        # Never give up: what keeps a program down, such as a database that restarts, passes.
        "startretries": "1000000",
        # A stop goes to the parent alone, so that a worker may finish its job; a kill goes
        # to all, so that no child outlives its parent.
        "stopasgroup": "false",
        "killasgroup": "true",
        "stopwaitsecs": str(STOP_WAIT_S),
        "redirect_stderr": "true",
        "stdout_logfile": str(logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }
    return _section(f"program:{program.name}", values)


def _section(name: str, values: dict[str, str]) -> str:
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with ``settings`` in it for the programs to read."""
    own = {f"STUDIO_{name.upper()}": getattr(settings, name) for name in settings.model_fields_set}
    return os.environ | {name: _as_text(value) for name, value in own.items() if value is not None}


def _as_text(value: object) -> str:
    """As ``Settings`` reads it from the environment."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(map(_as_text, value))
    return str(value.absolute() if isinstance(value, Path) else value)


def start(settings: Settings, chosen: Sequence[Program] | None = None) -> subprocess.Popen[bytes]:
    """Start the supervisor as a child; ``terminate`` on it stops all its programs."""
    config = write_config(settings, chosen)
    command = [sys.executable, "-X", "utf8", "-m", "supervisor.supervisord", "-c", str(config)]
    return subprocess.Popen(  # noqa: S603 — our own command
        command, cwd=ROOT, env=environment(settings), stdout=subprocess.DEVNULL
    )


def run(settings: Settings) -> int:
    """Run all programs until the supervisor is stopped; returns its exit status."""
    process = start(settings)

    def forward(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()

    previous = {
        number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        return process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
