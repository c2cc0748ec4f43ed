"""How long after a cancel a worker's lane is free again, whatever it is decoding."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

from bench.hostile_files import huge
from db.actor import Actor
from db.models import Job
from db.types import Visibility
from studio.params import INTERPOLATION, UpscaleParams
from tasks.files import StoredFile, keep
from tasks.requests import RunItem, RunRequest
from tasks.services import Services
from tasks.status import live_workers
from tasks.submit import cancel, submit
from tests.pictures import png

_ROUNDS = 3
_GIVE_UP_S = 60.0
_START_LIMIT_S = 120.0
_POLL_S = 0.02
_DECODING_S = 0.3
"""After a job has started, by which it is well inside its file."""


def cancel_to_free_s(services: Services, actor: Actor) -> dict[str, float]:
    """The longest wait by what was being read; a worker of the light lane must have been started.

    Between the cancel and the moment that the lane's only worker takes the next job.
    """
    _await_worker(services)
    small = _kept(services, "small.png", png())
    files = {kind: _kept(services, f"huge.{kind.lower()}", huge(kind)) for kind in ("WEBP", "JPEG")}
    return {
        kind: max(_once(services, actor, file, small) for _ in range(_ROUNDS))
        for kind, file in files.items()
    }


def _once(services: Services, actor: Actor, slow: StoredFile, quick: StoredFile) -> float:
    params = UpscaleParams(model=INTERPOLATION, scale=2)
    slow_id, quick_id = (
        submit(
            services,
            actor,
            RunRequest(params, [RunItem({"image": [file]})], visibility=Visibility.PRIVATE),
        )[0]
        for file in (slow, quick)
    )
    _started_at(services, slow_id)
    time.sleep(_DECODING_S)
    cancelled_at = datetime.now(UTC)
    cancel(services, actor, slow_id)
    return (_started_at(services, quick_id) - cancelled_at).total_seconds()


def _kept(services: Services, name: str, data: bytes) -> StoredFile:
    """In storage as an upload is, without waiting for it to be read here too."""
    media_type = f"image/{name.rpartition('.')[2]}"
    return keep(services, data, file_name=name, media_type=media_type)


def _await_worker(services: Services) -> None:
    ends_s = time.monotonic() + _START_LIMIT_S
    while not live_workers(services):
        if time.monotonic() > ends_s:
            raise SystemExit("the worker did not start")
        time.sleep(_POLL_S)


def _started_at(services: Services, job_id: UUID) -> datetime:
    ends_s = time.monotonic() + _GIVE_UP_S
    while time.monotonic() < ends_s:
        with services.database.read() as session:
            started_at = session.get_one(Job, job_id).started_at
        if started_at:
            return started_at.astimezone(UTC)
        time.sleep(_POLL_S)
    raise SystemExit(f"no worker took the job within {_GIVE_UP_S:.0f} s")
