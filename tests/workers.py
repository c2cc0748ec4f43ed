"""A studio's light worker and beat as real processes under the real supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from db.actor import Actor
from db.migrate import upgrade
from db.models import Job
from db.states import JobState
from studio.params import ToolParams, UpscaleParams
from studio.settings import Settings
from tasks.services import Services
from tasks.status import live_workers
from tasks.submit import store_upload, submit
from tasks.supervisor import programs, start
from tests.factories import make_actor
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of
from tests.servers import wait_until

START_S = 90
"""A busy machine takes long to import the runtimes."""


class Studio:
    """The light worker and beat, as ``studio up`` starts them, and somebody who submits."""

    def __init__(self, services: Services) -> None:
        self.services = services
        with services.database.write() as session:
            self.actor: Actor = make_actor(session)

    def submit(self, seed: int = 0) -> UUID:
        """A small job."""
        return self.submit_run(UpscaleParams(model="interpolation"), f"{seed}.png", png(seed))

    def submit_run(self, params: ToolParams, file_name: str, picture: bytes) -> UUID:
        """Any job on one picture."""
        stored = store_upload(self.services, file_name, picture)
        [job_id] = submit(self.services, self.actor, request(params, {"image": stored}))
        return job_id

    def job(self, job_id: UUID) -> Job:
        """Its row as it is now."""
        return job_of(self.services.database, job_id)

    def state(self, job_id: UUID) -> JobState:
        """Where it stands now."""
        return self.job(job_id).state

    def wait_for(self, job_id: UUID) -> None:
        """Return when it has succeeded."""
        wait_until(lambda: self.job(job_id).state.is_terminal, timeout_s=START_S, what="the job")
        assert self.job(job_id).state is JobState.SUCCEEDED


@contextmanager
def running(settings: Settings) -> Iterator[Studio]:
    """Both processes, and a worker on duty; all end with it."""
    services = Services.from_settings(settings)
    upgrade(services.database.url)
    services.blobs.prepare()
    chosen = [program for program in programs(settings) if program.name in ("worker-light", "beat")]
    supervisor = start(settings, chosen)
    try:
        wait_until(
            lambda: len(live_workers(services)) == 1, timeout_s=START_S, what="a worker on duty"
        )
        yield Studio(services)
    finally:
        supervisor.terminate()
        supervisor.wait()
    assert live_workers(services) == []  # a proper shutdown takes it off the list
