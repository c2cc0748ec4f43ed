"""Real Celery workers under the real supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError

from db.actor import Actor
from db.migrate import upgrade
from db.models import Job
from db.states import JobState
from db.types import Lane
from studio.params import UpscaleParams
from studio.settings import Settings
from tasks.celery_app import queue_name, wake
from tasks.services import Services
from tasks.status import live_workers
from tasks.submit import store_upload, submit
from tasks.supervisor import programs, start
from tests.factories import make_actor
from tests.pictures import png
from tests.rows import job_of
from tests.servers import wait_until

RABBITMQ_URL = "amqp://guest:guest@127.0.0.1:5672//"
START_S = 90
"""A busy machine takes long to import the runtimes."""


class Studio:
    """The light worker and beat, as ``studio up`` starts them, and somebody who submits."""

    def __init__(self, services: Services) -> None:
        self.services = services
        with services.database.write() as session:
            self.actor: Actor = make_actor(session)

    def submit(self, seed: int = 0) -> UUID:
        stored = store_upload(self.services, f"{seed}.png", png(seed))
        params = UpscaleParams(model="interpolation")
        [job_id] = submit(self.services, self.actor, "upscale", params, [{"image": stored}])
        return job_id

    def job(self, job_id: UUID) -> Job:
        return job_of(self.services.database, job_id)

    def wait_for(self, job_id: UUID) -> None:
        wait_until(lambda: self.job(job_id).state.is_terminal, timeout_s=START_S, what="the job")
        assert self.job(job_id).state is JobState.SUCCEEDED


@contextmanager
def running(settings: Settings) -> Iterator[Studio]:
    services = Services.from_settings(settings)
    upgrade(services.database.url)
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


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    with running(Settings(data_dir=folder, reconcile_s=0.5, light_workers=1)) as started:
        yield started


def broker_folder(studio: Studio) -> Path:
    return studio.services.settings.data_dir / "broker"


def test_worker_on_duty_names_its_lanes_and_slots(studio: Studio) -> None:
    [worker] = live_workers(studio.services)
    assert worker.name.startswith("light@")
    assert (set(worker.lanes), worker.slots) == ({Lane.CPU, Lane.MAINTENANCE}, 1)


def test_worker_file_without_a_message_does_not_end_it(studio: Studio) -> None:
    [before] = live_workers(studio.services)
    planted = broker_folder(studio) / f"000_planted.{queue_name(Lane.CPU)}.msg"
    planted.touch()
    studio.wait_for(studio.submit())
    wait_until(lambda: not planted.exists(), what="the planted file to be dropped")
    studio.wait_for(studio.submit(1))
    [after] = live_workers(studio.services)
    assert after.started_at == before.started_at
    log = studio.services.settings.data_dir / "logs" / "worker-light.log"
    assert planted.name in log.read_text()


def test_token_that_is_lost_is_sent_again_by_maintenance(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.submit.wake", lambda *_: 0)
    studio.wait_for(studio.submit(2))


def test_tokens_that_are_doubled_run_each_job_once(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.submit.wake", lambda settings, lane, _: wake(settings, lane, 5))
    job_ids = [studio.submit(seed) for seed in range(3, 6)]
    for job_id in job_ids:
        studio.wait_for(job_id)
    jobs = [studio.job(job_id) for job_id in job_ids]
    assert [(job.attempt, len(job.outputs)) for job in jobs] == [(1, 1)] * 3


@pytest.mark.rabbitmq
def test_rabbitmq_by_one_setting_carries_the_tokens(tmp_path: Path) -> None:
    try:
        with Connection(RABBITMQ_URL, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except OperationalError as error:
        pytest.skip(f"no RabbitMQ at 127.0.0.1:5672: {error}")
    with running(Settings(data_dir=tmp_path, broker_url=RABBITMQ_URL)) as started:
        for seed in range(3):
            started.wait_for(started.submit(seed))
