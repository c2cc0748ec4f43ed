"""A part of the surroundings goes away under a backlog, and comes back."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

from sqlalchemy import func, select

from db.actor import Actor
from db.migrate import upgrade
from db.models import Job
from db.states import JobState
from tasks import submit as submitting
from tasks.requests import RunItem, RunRequest
from tasks.services import Services
from tasks.status import live_workers
from tasks.supervisor import start
from tests.chaos.knots import KNOT_JOBS, submit_knot
from tests.chaos.studio import (
    PARAMS,
    TREES,
    Outcome,
    Setup,
    ended,
    inspect,
    standing,
    wait_for_end,
    work_programs,
)
from tests.factories import make_actor
from tests.pictures import png
from tests.servers import wait_until

USERS = 4
BATCH = 4
PICTURE_PX = (600, 450)
KNOT_PICTURE_PX = (100, 75)
JOBS_PER_KNOT = 24
"""One knot, of a few of them, for as many jobs of a backlog."""
START_S = 120
PATIENCE_S = 180
"""While no job ends: longer than any rests, and than any reconnection pauses."""

logger = logging.getLogger(__name__)


@dataclass
class Outage:
    """One part, taken away in one way for so many seconds under so many jobs, and what that did.

    After its return the next job had ended ``resumed_s`` later, and all ``drained_s`` later.
    """

    part: str
    is_silent: bool
    outage_s: float
    jobs: int
    succeeded: int = 0
    attempts: int = 0
    attempts_spent: int = 0
    resumed_s: float = 0.0
    drained_s: float = 0.0
    done_before: int = 0
    done_during: int = 0


@dataclass
class OutageReport:
    """What happened in one run of outages."""

    outages: list[Outage] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    restarted_workers: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether every job succeeded once, and no outage was counted against any."""
        jobs = sum(outage.jobs for outage in self.outages)
        return self.outcome.is_sound(jobs) and self.outcome.attempts_spent == 0


def run_outages(setup: Setup, outages: Sequence[Outage], *, trees: int = TREES) -> OutageReport:
    """For each outage submit its jobs, take the part away in their midst, and wait for all."""
    services = Services.from_settings(setup.settings)
    upgrade(services.database.url)
    with services.database.write() as session:
        actors = [make_actor(session) for _ in range(USERS)]
    report = OutageReport()
    supervisor = start(setup.settings, work_programs(setup.settings, trees))
    try:
        wait_until(
            lambda: len(live_workers(services)) == trees, timeout_s=START_S, what="the workers"
        )
        first = {worker.name for worker in live_workers(services)}
        for outage in outages:
            before = inspect(services)
            expected = ended(services) + outage.jobs
            _submit(services, actors, outage.jobs, seed=len(report.outages))
            _suffer(setup, services, outage, expected)
            after = inspect(services)
            outage.succeeded = after.succeeded - before.succeeded
            outage.attempts = after.attempts - before.attempts
            outage.attempts_spent = after.attempts_spent - before.attempts_spent
            report.outages.append(outage)
        report.restarted_workers = len({worker.name for worker in live_workers(services)} - first)
    finally:
        supervisor.terminate()
        supervisor.wait()
    report.outcome = inspect(services)
    return report


def _submit(services: Services, actors: Sequence[Actor], jobs: int, seed: int) -> None:
    """All at once, so that a backlog stands when the part goes away; each makes another picture.

    The last of them wait for one another.
    """
    knots = jobs // JOBS_PER_KNOT
    _submit_single(services, actors, jobs - knots * KNOT_JOBS, seed)
    for number, actor in zip(range(knots), cycle(actors), strict=False):
        name = f"{seed}-{number}.png"
        picture = png(1000 * seed + number, *KNOT_PICTURE_PX)
        submit_knot(services, actor, submitting.store_upload(services, name, picture))


def _submit_single(services: Services, actors: Sequence[Actor], jobs: int, seed: int) -> None:
    stored = submitting.store_upload(services, f"{seed}.png", png(seed, *PICTURE_PX))
    widths_px = range(2 * PICTURE_PX[0], 2 * PICTURE_PX[0] + jobs)
    for first, actor in zip(range(0, jobs, BATCH), cycle(actors), strict=False):
        items = [
            RunItem({"image": [stored]}, {"target_width_px": width_px})
            for width_px in widths_px[first : first + BATCH]
        ]
        submitting.submit(services, actor, RunRequest(PARAMS, items))


def _suffer(setup: Setup, services: Services, outage: Outage, expected: int) -> None:
    part = setup.parts[outage.part]
    wait_until(lambda: _is_busy(services), timeout_s=START_S, what="work to begin")
    outage.done_before = ended(services)
    logger.info("%s goes, %d of %d ended", outage, outage.done_before, expected)
    part.freeze() if outage.is_silent else part.close()
    time.sleep(outage.outage_s)
    part.restore()
    restored_s, done = time.monotonic(), ended(services)
    outage.done_during = done - outage.done_before
    logger.info("%s is back: %s", outage.part, standing(services))
    wait_for_end(services, min(done + 1, expected), PATIENCE_S)
    outage.resumed_s = round(time.monotonic() - restored_s, 1)
    wait_for_end(services, expected, PATIENCE_S)
    outage.drained_s = round(time.monotonic() - restored_s, 1)
    logger.info("%s is over", outage)


def _is_busy(services: Services) -> bool:
    with services.database.read() as session:
        running = select(func.count()).where(Job.state == JobState.RUNNING)
        return session.scalars(running).one() > 0
