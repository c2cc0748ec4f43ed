"""How quick the web process starts, and how much memory it holds idle."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
import psutil

from bench.measuring import tell
from db.migrate import upgrade
from studio.settings import ROOT, Settings
from tasks.supervisor import environment, programs
from tests.scratch import scratch_settings
from tests.servers import free_port

START_BAR_S = 2.5
MEMORY_BAR_BYTES = 250 * 2**20
_ROUNDS = 5
_GIVE_UP_S = 60
_SETTLE_S = 1.0


class Start(NamedTuple):
    """One start: seconds until the process answered, and what it held once it lay idle."""

    seconds: float
    cpu_s: float
    memory_bytes: int


def main() -> None:
    """Start the web process a few times, print seconds and memory, and hold them to the bars."""
    with tempfile.TemporaryDirectory() as folder:
        settings = scratch_settings(Path(folder), port=free_port())
        upgrade(settings.resolved_database_url)
        rounds = [_start_once(settings) for _ in range(_ROUNDS)]
    seconds = median(each.seconds for each in rounds)
    cpu_s = median(each.cpu_s for each in rounds)
    memory_bytes = max(each.memory_bytes for each in rounds)
    tell(
        f"start to first healthy answer: {seconds:.2f} s, of them {cpu_s:.2f} s of computing "
        f"(bar {START_BAR_S} s)"
    )
    tell(f"idle memory: {memory_bytes / 2**20:.0f} MiB (bar {MEMORY_BAR_BYTES / 2**20:.0f} MiB)")
    if seconds > START_BAR_S or memory_bytes > MEMORY_BAR_BYTES:
        raise SystemExit("the web process misses its bar")


def _start_once(settings: Settings) -> Start:
    [web] = [program for program in programs(settings) if program.name == "web"]
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 — the supervisor's own command
        web.command, cwd=ROOT, env=environment(settings), stderr=subprocess.DEVNULL
    )
    try:
        await_health(f"http://127.0.0.1:{settings.port}/healthz", started)
        start_s = time.perf_counter() - started
        httpx.get(f"http://127.0.0.1:{settings.port}/account/sign-in").raise_for_status()
        time.sleep(_SETTLE_S)
        found = psutil.Process(process.pid)
        used = found.cpu_times()
        return Start(start_s, used.user + used.system, found.memory_info().rss)
    finally:
        process.terminate()
        process.wait()


def await_health(url: str, started: float) -> None:
    """Wait until ``url`` answers; ``started`` is when that began, by the performance counter."""
    while time.perf_counter() - started < _GIVE_UP_S:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise SystemExit(f"the web process did not answer within {_GIVE_UP_S} s")


if __name__ == "__main__":
    main()
