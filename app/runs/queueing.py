"""How long what waits in a queue, or is about to, may wait there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from statistics import mean, median
from uuid import UUID

from db.actor import Actor
from db.repositories.past_runs import PastRunRepository
from db.repositories.queue import QueueRepository
from db.types import Lane
from tasks.services import Services
from tasks.status import slots

_JUDGED_BY = 10
"""Newest finished runs of a kind that say how long one of it takes."""
_RUNS_LEFT = 0.5
"""How much of a run that goes on is left, as nobody knows when it began to be looked at."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What stands between a run and its start in one lane.

    Attributes:
        usual_s: seconds that one of the runs there usually takes, whatever its kind.
        running: how many go on at this moment.
        slots: how many can go on at once, 0 when no worker takes any.

    """

    usual_s: float
    running: int
    slots: int

    def wait_s(self, place: int) -> float | None:
        """Seconds until the run at ``place`` starts, 1 = next; None when nothing starts any."""
        if not self.slots:
            return None
        before = place - 1 + self.running * _RUNS_LEFT
        is_free = self.running < self.slots and place <= self.slots - self.running
        return 0.0 if is_free else before * self.usual_s / self.slots


def backlog(services: Services, lane: Lane) -> Backlog | None:
    """What waits and runs in ``lane``; None when nothing has finished yet to judge it by."""
    with services.database.read() as session:
        kinds = QueueRepository(session).kinds(lane)
        usual_s = {kind: _usual_s(PastRunRepository(session), *kind) for kind in kinds}
    known = [
        seconds
        for kind, counted in kinds.items()
        if (seconds := usual_s[kind]) is not None
        for _run in range(counted.queued + counted.running)
    ]
    if kinds and not known:
        return None
    running = sum(counted.running for counted in kinds.values())
    return Backlog(mean(known) if known else 0.0, running, slots(services, lane))


def wait_of_next(services: Services, actor: Actor, lane: Lane) -> float | None:
    """Seconds that a run which the person submits now may wait; None when nobody can say."""
    found = backlog(services, lane)
    if found is None:
        return None
    with services.database.read() as session:
        return found.wait_s(QueueRepository(session).place_of_next(actor.id, lane))


def wait_at(services: Services, job_id: UUID, place: int) -> float | None:
    """Seconds until a queued run starts that is at ``place``; None when nobody can say."""
    with services.database.read() as session:
        lane = QueueRepository(session).lane_of(job_id)
    found = backlog(services, lane) if lane else None
    return found.wait_s(place) if found else None


def is_in_vain(services: Services, lanes: Collection[Lane]) -> bool:
    """Whether what is queued in one of these lanes waits for a worker of which none lives."""
    return any(slots(services, lane) == 0 for lane in lanes)


def _usual_s(runs: PastRunRepository, tool: str, model: str) -> float | None:
    timings = [sum(timing.seconds.values()) for timing in runs.timings(tool, model, _JUDGED_BY)]
    return median(timings) if timings else None
