"""Real Celery workers under the real supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError

from db.types import Lane
from tasks.celery_app import queue_name, wake
from tasks.status import is_beat_here, live_workers
from tests.scratch import scratch_settings
from tests.servers import wait_until
from tests.workers import START_S, Studio, running

pytestmark = pytest.mark.slow

RABBITMQ_URL = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    with running(scratch_settings(folder, reconcile_s=0.5, light_workers=1)) as started:
        yield started


def test_beat_whose_tokens_the_broker_takes_is_at_work(studio: Studio) -> None:
    wait_until(lambda: is_beat_here(studio.services), timeout_s=START_S, what="beat")


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
    assert planted.name in log.read_text(encoding="utf-8")


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
    with running(scratch_settings(tmp_path, broker_url=RABBITMQ_URL)) as started:
        for seed in range(3):
            started.wait_for(started.submit(seed))
