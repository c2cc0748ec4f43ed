"""Real small jobs while workers, whole worker trees and the broker are killed at random.

``python -m tests.chaos --jobs 200`` runs both set-ups and prints what happened. It fails
unless every job succeeded exactly once, with one output whose file is in storage.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from unittest.mock import patch

import psutil
from sqlalchemy import func, select

from db.migrate import upgrade
from db.models import FairShare, Job, JobOutput
from db.states import JobState
from db.types import Lane
from studio.params import UpscaleParams
from studio.settings import Settings
from tasks import submit as submitting
from tasks.services import Services
from tasks.supervisor import Program, programs, start, worker
from tests.databases import postgres_url
from tests.factories import make_actor
from tests.pictures import png
from tests.servers import RedisServer

USERS = 5
TREES, CHILDREN = 2, 2
POLL_S = 0.02
PARAMS = UpscaleParams(model="interpolation", scale=2)
PICTURE_PX = (400, 300)
JOBS_PER_KILL = 5
"""Kills follow the jobs, so that a slow machine that restarts slowly gets as many."""
TREE_SHARE = 0.25
"""Share of kills that take a worker with all its children."""
IDLE_SHARE = 0.2
"""Share of kills that hit any child, busy, idle or just starting; the rest are running a job."""
UNSENT_SHARE = 0.1
"""Share of submissions whose web process dies between the commit and the token."""


@dataclass
class Report:
    """What happened in one run."""

    states: Counter[str] = field(default_factory=Counter)
    outputs: int = 0
    jobs_with_output: int = 0
    missing_files: int = 0
    attempts: int = 0
    most_attempts: int = 0
    counters: tuple[int, int] = (0, 0)
    kills: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    seconds: float = 0.0

    def is_sound(self, jobs: int) -> bool:
        """Whether every job succeeded exactly once, and nothing is left over."""
        return (
            self.states == {JobState.SUCCEEDED.value: jobs}
            and self.outputs == self.jobs_with_output == jobs
            and self.missing_files == 0
            and self.counters == (0, 0)
        )


class WebProcessDiedError(Exception):
    """Stands for the death of the web process between commit and token."""


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[Settings, RedisServer | None]]:
    """SQLite and tokens as files."""
    yield _settings(folder), None


@contextmanager
def production(folder: Path) -> Iterator[tuple[Settings, RedisServer | None]]:
    """PostgreSQL and a Redis that may be killed."""
    with postgres_url() as url:
        broker = RedisServer(folder)
        try:
            yield _settings(folder, database_url=url, broker_url=broker.url), broker
        finally:
            broker.kill()


def _settings(folder: Path, **addresses: str) -> Settings:
    return Settings(
        data_dir=folder, lease_s=3, heartbeat_s=0.5, reconcile_s=1, max_attempts=30, **addresses
    )


def run_chaos(
    settings: Settings, broker: RedisServer | None, *, jobs: int, seed: int, timeout_s: float
) -> Report:
    """Submit ``jobs`` while killing; returns when all have ended or ``timeout_s`` is over."""
    report, chance, started_s = Report(), random.Random(seed), time.monotonic()
    services = Services.from_settings(settings)
    upgrade(services.database.url)
    supervisor = start(settings, _programs(settings))
    killer = Killer(services, psutil.Process(supervisor.pid), broker, chance, jobs // JOBS_PER_KILL)
    killer.start()
    try:
        _submit(services, jobs, random.Random(seed), report)
        _wait(services, jobs, started_s + timeout_s)
    finally:
        killer.stop()
        supervisor.terminate()
        supervisor.wait()
    report.kills = killer.kills
    report.seconds = time.monotonic() - started_s
    _inspect(services, report)
    return report


def _programs(settings: Settings) -> list[Program]:
    lanes = [Lane.CPU, Lane.MAINTENANCE]
    names = [f"worker{number}" for number in range(TREES)]
    beat = [program for program in programs(settings) if program.name == "beat"]
    return [Program(name, worker(lanes, CHILDREN, name)) for name in names] + beat


def _submit(services: Services, jobs: int, chance: random.Random, report: Report) -> None:
    with services.database.write() as session:
        actors = [make_actor(session) for _ in range(USERS)]
    for number in range(jobs):
        stored = submitting.store_upload(services, f"{number}.png", png(number, *PICTURE_PX))
        actor, item = actors[min(number % 7, USERS - 1)], {"image": stored}
        if chance.random() >= UNSENT_SHARE:
            submitting.submit(services, actor, "upscale", PARAMS, [item])
            continue
        with patch.object(submitting, "wake", side_effect=WebProcessDiedError):
            try:
                submitting.submit(services, actor, "upscale", PARAMS, [item])
            except WebProcessDiedError:
                report.unsent += 1


def _wait(services: Services, jobs: int, deadline_s: float) -> None:
    ended = [state for state in JobState if state.is_terminal]
    while time.monotonic() < deadline_s:
        with services.database.read() as session:
            count = session.scalar(
                select(func.count()).select_from(Job).where(Job.state.in_(ended))
            )
        if count == jobs:
            return
        time.sleep(0.2)


class Killer(Thread):
    """Sends SIGKILL to children that are running a job, to whole trees and to the broker."""

    def __init__(
        self,
        services: Services,
        supervisor: psutil.Process,
        broker: RedisServer | None,
        chance: random.Random,
        kills_planned: int,
    ) -> None:
        super().__init__(name="killer")
        self.kills: Counter[str] = Counter()
        self._services = services
        self._supervisor = supervisor
        self._broker = broker
        self._chance = chance
        self._planned = kills_planned
        self._over = Event()

    def run(self) -> None:
        """Kill as often as planned, each time when there is somebody worth it."""
        while self.kills.total() < self._planned and not self._over.wait(POLL_S):
            if self._broker is not None and self.kills.total() == self._planned // 2:
                self._broker.kill()
                self._broker.start()
                self.kills["broker"] += 1
            else:
                self._kill_worker(is_busy=self._chance.random() >= IDLE_SHARE)

    def stop(self) -> None:
        """End, whatever was planned."""
        self._over.set()
        self.join()

    def _kill_worker(self, *, is_busy: bool) -> None:
        """Kill a child or its tree, once there is one that is running a job if asked."""
        while not (candidates := self._candidates(is_busy=is_busy)):
            if self._over.wait(POLL_S):
                return
        trees = self._trees()
        tree, child = self._chance.choice(candidates)
        if self._chance.random() >= TREE_SHARE:
            self._signal("child", [child])
        else:
            self._signal("tree", [tree, *trees.get(tree, [])])

    def _signal(self, kind: str, victims: list[psutil.Process]) -> None:
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self.kills[kind] += 1

    def _candidates(self, *, is_busy: bool) -> list[tuple[psutil.Process, psutil.Process]]:
        busy = self._busy()
        return [
            (tree, child)
            for tree, children in self._trees().items()
            for child in children
            if child.pid in busy or not is_busy
        ]

    def _trees(self) -> dict[psutil.Process, list[psutil.Process]]:
        """Workers with their children; beat has none."""
        trees = {}
        for tree in self._supervisor.children():
            with suppress(psutil.NoSuchProcess):
                trees[tree] = tree.children()
        return trees

    def _busy(self) -> set[int]:
        """Process ids of those that hold a lease."""
        with self._services.database.read() as session:
            workers = session.scalars(select(Job.worker).where(Job.state == JobState.RUNNING))
            return {int(name.split(":")[1]) for name in workers if name}


def _inspect(services: Services, report: Report) -> None:
    with services.database.read() as session:
        report.states = Counter(state.value for state in session.scalars(select(Job.state)))
        made = session.execute(select(JobOutput.job_id, JobOutput.blob_sha256)).all()
        attempts = session.scalars(select(Job.attempt)).all()
        report.counters = tuple(
            session.execute(select(func.sum(FairShare.queued), func.sum(FairShare.running))).one()
        )
    report.attempts, report.most_attempts = sum(attempts), max(attempts)
    report.outputs, report.jobs_with_output = len(made), len({job_id for job_id, _ in made})
    report.missing_files = sum(not services.blobs.exists(sha256) for _, sha256 in made)


def main() -> int:
    """Run both set-ups; 0 when both were sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout-s", type=float, default=600)
    options = parser.parse_args()
    sound = True
    for name, setup in (
        ("files + SQLite", embedded),
        ("Redis + PostgreSQL", production),
    ):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
            settings, broker = stack.enter_context(setup(folder))
            report = run_chaos(
                settings,
                broker,
                jobs=options.jobs,
                seed=options.seed,
                timeout_s=options.timeout_s,
            )
            sys.stdout.write(f"{name}: {report}\n")
            sound = sound and report.is_sound(options.jobs)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
