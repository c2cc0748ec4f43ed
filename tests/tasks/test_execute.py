from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from db.actor import Actor
from db.models import Blob, Job, JobOutput
from db.repositories.queue import QueueRepository, Reconciled
from db.states import JobState
from db.types import Lane, utc_now
from studio.errors import JobCancelledError, RetriableError, UserInputError
from studio.imaging.decode import Limits, decode
from studio.params import UpscaleParams
from studio.report import Report
from tasks import toolbox
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import cancel, store_upload, submit
from tests.factories import make_actor
from tests.pictures import png
from tests.rows import job_of
from tests.runners import Network, upscale_behaves
from tests.servers import wait_until

PARAMS = UpscaleParams(model="interpolation")


@pytest.fixture
def actor(services: Services) -> Actor:
    with services.database.write() as session:
        return make_actor(session)


def submit_one(services: Services, actor: Actor) -> UUID:
    stored = store_upload(services, "cat.png", png())
    [job_id] = submit(services, actor, "upscale", PARAMS, [{"image": stored}])
    return job_id


def run_all(services: Services) -> None:
    while run_next(services, Lane.CPU):
        pass


@contextmanager
def running(services: Services) -> Iterator[Thread]:
    """A worker that runs one job beside the test."""
    thread = Thread(target=run_next, args=(services, Lane.CPU))
    thread.start()
    yield thread
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_run_next_real_job_succeeds_with_its_output_in_storage(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    assert run_next(services, Lane.CPU)
    job = job_of(services.database, job_id)
    assert (job.state, job.progress, job.attempt) == (JobState.SUCCEEDED, 1.0, 1)
    [output] = job.outputs
    assert (output.role, output.file_name) == ("image", "cat-upscaled.png")
    limits = Limits.from_settings(services.settings)
    picture = decode(services.blobs.read(output.blob_sha256), file_name="x", limits=limits)
    assert (picture.width, picture.height) == (48, 32)
    assert (output.blob.width_px, output.blob.height_px) == (48, 32)
    assert job.record is not None
    assert {"decode", "run", "encode"} <= job.record["seconds"].keys()
    assert not run_next(services, Lane.CPU)


def test_run_next_more_is_queued_wakes_one_more_worker(services: Services, actor: Actor) -> None:
    submit_one(services, actor)
    submit_one(services, actor)
    for token in (services.settings.data_dir / "broker").iterdir():
        token.unlink()
    run_next(services, Lane.CPU)
    assert len(list((services.settings.data_dir / "broker").iterdir())) == 1
    run_next(services, Lane.CPU)
    assert len(list((services.settings.data_dir / "broker").iterdir())) == 1


def test_run_next_progress_and_stage_are_on_the_row(services: Services, actor: Actor) -> None:
    job_id, may_return = submit_one(services, actor), Event()

    def work(report: Report) -> None:
        report.progress(0.4)
        may_return.wait(timeout=20)

    with upscale_behaves(work), running(services):
        wait_until(lambda: job_of(services.database, job_id).stage == "run")
        assert 0 < job_of(services.database, job_id).progress < 1
        may_return.set()


def test_cancel_while_a_network_runs_shows_at_once_and_drops_its_result(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    with upscale_behaves(network), running(services) as worker:
        assert network.started.wait(timeout=20)
        assert cancel(services, actor, job_id)
        wait_until(lambda: job_of(services.database, job_id).state is JobState.CANCELLED)
        assert worker.is_alive()  # the call has not returned, the row does not wait for it
        assert not cancel(services, actor, job_id)
        network.may_return.set()
    job = job_of(services.database, job_id)
    assert (job.state, job.outputs, job.record) == (JobState.CANCELLED, [], None)
    assert job.finished_at is not None


def test_cancel_tool_that_reports_stops_at_its_next_report(
    services: Services, actor: Actor
) -> None:
    job_id, started = submit_one(services, actor), Event()

    def work(report: Report) -> None:
        started.set()
        for _ in range(2000):
            report.progress(0.5)
            time.sleep(0.01)
        raise AssertionError("ran to its end")

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
    assert job_of(services.database, job_id).state is JobState.CANCELLED


def test_lease_lost_while_running_leaves_the_job_to_the_second_worker(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    with upscale_behaves(network), running(services):
        assert network.started.wait(timeout=20)
        with services.database.write() as session:
            past = utc_now() - timedelta(seconds=1)
            session.execute(update(Job).values(lease_expires_at=past))
            session.flush()
            done = QueueRepository(session).reconcile(max_attempts=3)
        assert done == Reconciled(requeued=1)
        network.may_return.set()
    assert job_of(services.database, job_id).state is JobState.QUEUED
    run_all(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempt, len(job.outputs)) == (JobState.SUCCEEDED, 2, 1)


def raises(error: BaseException) -> Callable[[Report], None]:
    def work(_report: Report) -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserInputError("too blue", remedy="Use red.", code="image.blue"), "image.blue", "Use red"),
        (MemoryError("secret"), "memory", "smaller picture"),
        (ZeroDivisionError("secret"), "internal", "worker's log"),
    ],
)
def test_tool_raises_fails_with_a_code_and_a_sentence(
    services: Services,
    actor: Actor,
    error: Exception,
    code: str,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = submit_one(services, actor)
    with upscale_behaves(raises(error)), caplog.at_level(logging.INFO):
        run_all(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, code, 1)
    assert words in (job.error_message or "")
    assert "secret" not in (job.error_message or "")
    assert ("Traceback" in caplog.text) == (code in ("memory", "internal"))


def test_passing_fault_is_tried_again_until_attempts_are_spent(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    with upscale_behaves(raises(RetriableError("Busy.", delay_s=0.01, code="gpu.busy"))):
        states = []
        for _ in range(services.settings.max_attempts):
            run_next(services, Lane.CPU)
            states.append(job_of(services.database, job_id).state)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    assert job_of(services.database, job_id).error_code == "gpu.busy"


def test_cancel_while_waiting_to_try_again_ends_the_wait(services: Services, actor: Actor) -> None:
    job_id, started = submit_one(services, actor), Event()

    def work(_report: Report) -> None:
        started.set()
        raise RetriableError("Busy.", delay_s=3600)

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
    assert job_of(services.database, job_id).state is JobState.CANCELLED


def test_input_file_is_gone_fails_with_the_reason(services: Services, actor: Actor) -> None:
    job_id = submit_one(services, actor)
    services.blobs.delete(job_of(services.database, job_id).inputs[0].blob_sha256)
    run_all(services)
    assert job_of(services.database, job_id).error_code == "storage.missing"


def test_failed_item_does_not_stop_the_rest(services: Services, actor: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(3)]
    job_ids = submit(services, actor, "upscale", PARAMS, items)
    services.blobs.delete(items[1]["image"].sha256)
    run_all(services)
    states = [job_of(services.database, job_id).state for job_id in job_ids]
    assert states == [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED]


def test_every_output_row_points_at_a_stored_file(services: Services, actor: Actor) -> None:
    for _ in range(2):
        submit_one(services, actor)
    run_all(services)
    with services.database.read() as session:
        digests = session.scalars(select(Blob.sha256)).all()
        outputs = session.scalar(select(func.count()).select_from(JobOutput))
    assert outputs == 2
    assert all(services.blobs.exists(sha256) for sha256 in digests)


@pytest.mark.parametrize("modules", ["tasks.submit, tasks.status, tasks.supervisor"])
def test_submitting_side_imports_no_runtime(modules: str) -> None:
    assert_light(modules)


def test_worker_parent_imports_no_runtime() -> None:
    assert_light("tasks.celery_app, tasks.execute, tasks.maintenance, tasks.duty")


def assert_light(modules: str) -> None:
    heavy = "{'onnxruntime', 'onnx', 'torch', 'cv2'}"
    code = f"import sys, {modules}; sys.exit(str({heavy} & sys.modules.keys() or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""


def test_cancel_interrupts_the_network_so_that_the_worker_is_free(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, started, interrupted = submit_one(services, actor), Event(), Event()
    monkeypatch.setattr(toolbox, "interrupt", lambda _settings: interrupted.set())

    def work(_report: Report) -> None:
        """A network that ends only when it is interrupted."""
        started.set()
        if not interrupted.wait(timeout=20):
            raise TimeoutError
        raise JobCancelledError

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
    assert interrupted.is_set()
    assert job_of(services.database, job_id).state is JobState.CANCELLED
