"""How the job machine is doing. Light: pages, health checks and the doctor read it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.repositories.fair_shares import FairShareRepository
from db.repositories.queue import QueueRepository
from db.repositories.workers import WorkerRepository
from db.types import Lane
from studio.settings import Settings
from tasks.services import Services

REPORT_EVERY_S = 5.0
"""How often a worker reports for duty."""
SILENT_AFTER_S = 3 * REPORT_EVERY_S
"""A worker that has not reported for this long counts as gone."""
_BEAT, _KEEPER = "beat", "queue-keeper"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A live worker: a process tree that runs up to ``slots`` jobs of its ``lanes`` at once."""

    name: str
    lanes: tuple[Lane, ...]
    slots: int
    started_at: datetime
    seen_at: datetime
    is_deaf: bool
    """Whether it lives and yet takes no work, although there is some."""


def position(services: Services, job_id: UUID) -> int | None:
    """1 for the queued job that starts next, and so on; None when it is not queued.

    Exact with one worker while nobody submits or cancels, an estimate otherwise.
    """
    with services.database.read() as session:
        return QueueRepository(session).position(job_id)


def queued_counts(services: Services) -> dict[Lane, int]:
    """Queued jobs by lane, lanes without any included."""
    with services.database.read() as session:
        return FairShareRepository(session).queued_counts()


def live_workers(services: Services) -> Sequence[WorkerStatus]:
    """Workers that reported for duty within ``SILENT_AFTER_S``, by name."""
    deaf_after = timedelta(seconds=services.settings.deaf_after_s)
    with services.database.read() as session:
        return [
            WorkerStatus(
                name=worker.name,
                lanes=tuple(Lane(lane) for lane in worker.lanes),
                slots=worker.slots,
                started_at=worker.started_at,
                seen_at=worker.seen_at,
                is_deaf=worker.seen_at - worker.heard_at > deaf_after,
            )
            for worker in WorkerRepository(session).live(within_s=SILENT_AFTER_S)
            if worker.lanes  # beat reports too, and takes no work
        ]


def slots(services: Services, lane: Lane) -> int:
    """Jobs of ``lane`` that live workers can run at once."""
    return sum(worker.slots for worker in live_workers(services) if lane in worker.lanes)


def workers_here(services: Services, kind: str) -> Sequence[WorkerStatus]:
    """Live workers of this machine that were started as ``kind``, such as "gpu"."""
    prefix = f"{kind}@{socket.gethostname()}:"
    return [worker for worker in live_workers(services) if worker.name.startswith(prefix)]


def beat_name() -> str:
    """Under which name this machine's beat reports."""
    return f"{_BEAT}@{socket.gethostname()}"


def keeper_name() -> str:
    """Under which name the thread of this machine's beat reports that sees to the queue."""
    return f"{_KEEPER}@{socket.gethostname()}"


def is_beat_here(services: Services) -> bool:
    """Whether a beat of this machine works in both its ways.

    It has lately sent tokens that the broker took, and seen to the queue from end to end.
    """
    return {beat_name(), keeper_name()} <= _live_names(services)


@dataclass(frozen=True, slots=True)
class BeatStatus:
    """What the beats of all machines have lately done."""

    keeps_the_queue: bool
    """One has seen to the queue from end to end."""
    sends_tokens: bool
    """One has sent tokens that the broker took."""


def beat_status(services: Services) -> BeatStatus:
    """As ``is_beat_here``, of whatever machine beat runs on."""
    kinds = {name.partition("@")[0] for name in _live_names(services)}
    return BeatStatus(keeps_the_queue=_KEEPER in kinds, sends_tokens=_BEAT in kinds)


def _live_names(services: Services) -> set[str]:
    within_s = SILENT_AFTER_S + 3 * services.settings.reconcile_s
    with services.database.read() as session:
        return {worker.name for worker in WorkerRepository(session).live(within_s=within_s)}


def pulse_tolerance_s(settings: Settings) -> float:
    """How long workers may be silent before it counts as a break of the pulse.

    Half a lease: whoever beats again within it finds its lease still in force.
    """
    return settings.lease_s / 2
