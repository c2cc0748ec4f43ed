"""Children, worker trees, beat, the web process and the broker are killed at random."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from unittest.mock import patch

import psutil
from sqlalchemy import select

from db.migrate import upgrade
from db.models import Job
from db.states import JobState
from tasks import submit as submitting
from tasks.services import Services
from tasks.supervisor import programs, start
from tests.chaos.knots import KNOT_JOBS, submit_knot
from tests.chaos.studio import (
    PARAMS,
    PICTURE_PX,
    Outcome,
    Setup,
    inspect,
    wait_for_end,
    work_programs,
)
from tests.factories import make_actor
from tests.pictures import png
from tests.requests import request
from tests.servers import RedisServer, free_port

USERS = 5
POLL_S = 0.02
JOBS_PER_KILL = 3
"""Kills follow the jobs, so that a slow machine that restarts slowly gets as many."""
TREE_SHARE = 0.25
"""Share of kills that take a worker with all its children."""
SINGLE_SHARE = 0.1
"""Share of kills that take beat or the web process."""
IDLE_SHARE = 0.2
"""Share of kills that hit any child, busy, idle or just starting; the rest are running a job."""
UNSENT_SHARE = 0.1
"""Share of submissions whose web process dies between the commit and the token."""

logger = logging.getLogger(__name__)


@dataclass
class KillReport:
    """What happened in one run."""

    outcome: Outcome = field(default_factory=Outcome)
    kills: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    seconds: float = 0.0

    def is_sound(self, jobs: int) -> bool:
        """Whether every job succeeded exactly once, and nothing is left over."""
        return self.outcome.is_sound(jobs)


class WebProcessDiedError(Exception):
    """Stands for the death of the web process between commit and token."""


def run_kills(setup: Setup, *, jobs: int, seed: int, patience_s: float) -> KillReport:
    """Submit ``jobs`` while killing; returns when all have ended, or none for ``patience_s``."""
    report, chance, started_s = KillReport(), random.Random(seed), time.monotonic()
    settings = setup.settings.model_copy(update={"port": free_port()})
    services = Services.from_settings(settings)
    upgrade(services.database.url)
    web = [program for program in programs(settings) if program.name == "web"]
    supervisor = start(settings, work_programs(settings) + web)
    killer = Killer(
        services,
        psutil.Process(supervisor.pid),
        setup.broker_server,
        chance,
        jobs // JOBS_PER_KILL,
    )
    killer.start()
    try:
        _submit(services, jobs, random.Random(seed), report)
        wait_for_end(services, jobs, patience_s)
    finally:
        killer.stop()
        supervisor.terminate()
        supervisor.wait()
    report.kills = killer.kills
    report.seconds = round(time.monotonic() - started_s, 1)
    report.outcome = inspect(services)
    return report


def _submit(services: Services, jobs: int, chance: random.Random, report: KillReport) -> None:
    """Half of the jobs come in knots."""
    with services.database.write() as session:
        actors = [make_actor(session) for _ in range(USERS)]
    number = 0
    while number < jobs:
        stored = submitting.store_upload(services, f"{number}.png", png(number, *PICTURE_PX))
        actor = actors[min(number % 7, USERS - 1)]
        if number % (2 * KNOT_JOBS) == 0 and jobs - number >= KNOT_JOBS:
            submit_knot(services, actor, stored)
            number += KNOT_JOBS
            continue
        number += 1
        if chance.random() >= UNSENT_SHARE:
            submitting.submit(services, actor, request(PARAMS, {"image": stored}))
            continue
        with patch.object(submitting, "wake", side_effect=WebProcessDiedError):
            try:
                submitting.submit(services, actor, request(PARAMS, {"image": stored}))
            except WebProcessDiedError:
                report.unsent += 1


class Killer(Thread):
    """Sends SIGKILL to children that run a job, to whole trees, to beat, web and the broker."""

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
            elif self._chance.random() < SINGLE_SHARE:
                self._kill_single(self._chance.choice(("beat", "uvicorn")))
            else:
                self._kill_worker(is_busy=self._chance.random() >= IDLE_SHARE)

    def stop(self) -> None:
        """End, whatever was planned."""
        self._over.set()
        self.join()

    def _kill_single(self, word: str) -> None:
        """Kill the program of one process whose command names ``word``."""
        for program in self._supervisor.children():
            with suppress(psutil.NoSuchProcess):
                if word in program.cmdline():
                    self._signal(word, [program])

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
        logger.info("killed a %s, %d of %d kills", kind, self.kills.total(), self._planned)

    def _candidates(self, *, is_busy: bool) -> list[tuple[psutil.Process, psutil.Process]]:
        busy = self._busy()
        return [
            (tree, child)
            for tree, children in self._trees().items()
            for child in children
            if child.pid in busy or not is_busy
        ]

    def _trees(self) -> dict[psutil.Process, list[psutil.Process]]:
        """Workers with their children."""
        trees = {}
        for program in self._supervisor.children():
            with suppress(psutil.NoSuchProcess):
                if "worker" in program.cmdline():
                    trees[program] = program.children()
        return trees

    def _busy(self) -> set[int]:
        """Process ids of those that hold a lease."""
        with self._services.database.read() as session:
            workers = session.scalars(select(Job.worker).where(Job.state == JobState.RUNNING))
            return {int(name.split(":")[1]) for name in workers if name}
