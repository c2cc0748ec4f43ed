from __future__ import annotations

import errno
import logging
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from db.actor import Actor
from db.models import Blob, Job, JobOutput
from db.repositories.queue import QueueRepository
from db.repositories.queue_upkeep import QueueUpkeep, Reconciled
from db.states import JobState
from db.types import Lane, utc_now
from studio.errors import (
    BusyError,
    DiskFullError,
    JobCancelledError,
    RetriableError,
    StorageAwayError,
    UserInputError,
)
from studio.imaging.decode import Limits, decode
from studio.params import UpscaleParams
from studio.report import Report
from studio.words import msg
from tasks import heartbeat, tool_runner
from tasks.execute import run_next
from tasks.queue_upkeep import wake_rested
from tasks.services import Services
from tasks.submit import cancel, store_upload, submit
from tests.factories import make_actor
from tests.pictures import png
from tests.requests import request
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
    [job_id] = submit(services, actor, request(PARAMS, {"image": stored}))
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


def test_run_next_of_a_job_that_an_older_release_queued_runs_it_by_todays_names(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    with services.database.write() as session:
        job = session.get_one(Job, job_id)
        old = {"restore_faces": None, "restore_blend": 0.3}
        job.params, job.params_version = {**PARAMS.model_dump(mode="json"), **old}, 1
        del job.params["restore_model"]
    assert run_next(services, Lane.CPU)
    assert job_of(services.database, job_id).state is JobState.SUCCEEDED


def test_run_next_of_a_job_that_a_newer_release_queued_fails_and_says_so(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    with services.database.write() as session:
        session.get_one(Job, job_id).params_version = 99
    assert run_next(services, Lane.CPU)
    job = job_of(services.database, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "params.newer")


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


def take_away(services: Services) -> None:
    """The lease of the one running job runs out, and the job is queued again."""
    with services.database.write() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).values(lease_expires_at=past))
        done = QueueUpkeep(session).reconcile(
            max_attempts=3, silent_at=utc_now(), lease_s=services.settings.lease_s
        )
    assert done == Reconciled(requeued=1)


def test_lease_lost_while_running_leaves_the_job_to_the_second_worker(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    with upscale_behaves(network), running(services):
        assert network.started.wait(timeout=20)
        take_away(services)
        network.may_return.set()
    assert job_of(services.database, job_id).state is JobState.QUEUED
    run_all(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempt, len(job.outputs)) == (JobState.SUCCEEDED, 2, 1)


def test_lease_lost_interrupts_the_network_and_stops_the_tool(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, started, interrupted = submit_one(services, actor), Event(), Event()
    monkeypatch.setattr(tool_runner, "interrupt", lambda _settings: interrupted.set())
    went_on = Event()

    def work(report: Report) -> None:
        started.set()
        if not interrupted.wait(timeout=20):
            raise TimeoutError
        report.progress(0.9)
        went_on.set()

    with upscale_behaves(work), running(services):
        assert started.wait(timeout=20)
        take_away(services)
    assert interrupted.is_set()
    assert not went_on.is_set()
    assert job_of(services.database, job_id).state is JobState.QUEUED


def raises(error: BaseException) -> Callable[[Report], None]:
    def work(_report: Report) -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            UserInputError(msg("too blue"), remedy=msg("Use red."), code="image.blue"),
            "image.blue",
            "Use red",
        ),
        (ZeroDivisionError("secret"), "internal", "number of this run"),
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
    assert words in str(job.error_message)
    assert "secret" not in str(job.error_message)
    assert ("Traceback" in caplog.text) == (code == "internal")
    assert str(job_id) in caplog.text


def end_rest(services: Services) -> None:
    with services.database.write() as session:
        past = utc_now() - timedelta(seconds=1)
        resting = Job.not_before.is_not(None)
        session.execute(update(Job).where(resting).values(not_before=past))
    wake_rested(services)


def test_fault_that_the_job_may_have_caused_is_tried_again_until_attempts_are_spent(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    with upscale_behaves(raises(RetriableError(msg("Busy."), delay_s=30, code="gpu.busy"))):
        states = []
        for _ in range(services.settings.max_attempts):
            assert run_next(services, Lane.CPU)
            states.append(job_of(services.database, job_id).state)
            end_rest(services)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    assert job_of(services.database, job_id).error_code == "gpu.busy"


def test_machine_that_has_too_much_to_do_spends_no_attempt(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    with upscale_behaves(raises(BusyError(msg("No process."), delay_s=5))):
        for _ in range(services.settings.max_attempts + 1):
            assert run_next(services, Lane.CPU)
            end_rest(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempts_spent) == (JobState.QUEUED, 0)


def test_job_that_rests_holds_no_slot(services: Services, actor: Actor) -> None:
    first, second = submit_one(services, actor), submit_one(services, actor)
    with upscale_behaves(raises(RetriableError(msg("Busy."), delay_s=3600))):
        assert run_next(services, Lane.CPU)
    assert run_next(services, Lane.CPU)
    assert not run_next(services, Lane.CPU)
    assert job_of(services.database, first).state is JobState.QUEUED
    assert job_of(services.database, second).state is JobState.SUCCEEDED
    assert cancel(services, actor, first)
    assert job_of(services.database, first).state is JobState.CANCELLED


def test_log_of_jobs_that_succeed_calls_no_lease_lost(
    services: Services, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    hasty = replace(services, settings=services.settings.model_copy(update={"heartbeat_s": 0.0005}))
    job_ids = [submit_one(services, actor) for _ in range(15)]
    run_all(hasty)
    assert {job_of(services.database, job_id).state for job_id in job_ids} == {JobState.SUCCEEDED}
    assert "lease was lost" not in caplog.text


@pytest.mark.parametrize("method", ["claim", "finish"])
def test_database_that_cuts_an_answer_off_delays_the_job_and_runs_it_once(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The transition is committed and its answer lost, then it is asked for again."""
    job_id, original, cuts = submit_one(services, actor), getattr(QueueRepository, method), [2]

    def cut(self: QueueRepository, *arguments: object, **options: object) -> object:
        moved = original(self, *arguments, **options)
        if cuts[0]:
            cuts[0] -= 1
            self._session.commit()
            raise OperationalError("UPDATE", None, psycopg.OperationalError("server closed it"))
        return moved

    monkeypatch.setattr(QueueRepository, method, cut)
    assert run_next(replace(services, wait_s=math.inf), Lane.CPU)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempt, job.attempts_spent) == (JobState.SUCCEEDED, 1, 0)
    assert len(job.outputs) == 1


def test_memory_gone_is_tried_again_and_then_told_with_a_remedy(
    services: Services, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = submit_one(services, actor)
    with upscale_behaves(raises(MemoryError("secret"))):
        for _ in range(services.settings.max_attempts):
            assert run_next(services, Lane.CPU)
            end_rest(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "memory")
    assert "smaller picture" in str(job.error_message)
    assert "secret" not in str(job.error_message)
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "fault",
    [
        StorageAwayError(msg("Storage cannot be reached.")),
        DiskFullError(),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_fault_of_the_surroundings_postpones_the_job_and_spends_no_attempt(
    services: Services, actor: Actor, fault: Exception
) -> None:
    job_id = submit_one(services, actor)
    with upscale_behaves(raises(fault)):
        for _ in range(2 * services.settings.max_attempts):
            assert run_next(services, Lane.CPU)
            assert not run_next(services, Lane.CPU)
            end_rest(services)
    run_all(services)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempts_spent) == (JobState.SUCCEEDED, 0)


def test_input_file_is_gone_fails_with_the_reason(services: Services, actor: Actor) -> None:
    job_id = submit_one(services, actor)
    services.blobs.delete(job_of(services.database, job_id).inputs[0].blob_sha256)
    run_all(services)
    assert job_of(services.database, job_id).error_code == "storage.missing"


def test_failed_item_does_not_stop_the_rest(services: Services, actor: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(3)]
    job_ids = submit(services, actor, request(PARAMS, *items))
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
    assert_light("tasks.celery_app, tasks.execute, tasks.maintenance, tasks.worker_reports")


def assert_light(modules: str) -> None:
    heavy = "{'onnxruntime', 'onnx', 'torch', 'cv2'}"
    code = f"import sys, {modules}; sys.exit(str({heavy} & sys.modules.keys() or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""


def test_cancel_interrupts_the_network_so_that_the_worker_is_free(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, started, interrupted = submit_one(services, actor), Event(), Event()
    monkeypatch.setattr(tool_runner, "interrupt", lambda _settings: interrupted.set())

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


def test_cancel_call_that_cannot_be_interrupted_gives_up_its_process_once_the_row_is_settled(
    services: Services, actor: Actor
) -> None:
    job_id, network = submit_one(services, actor), Network()
    states: list[JobState] = []

    def give_up() -> None:
        states.append(job_of(services.database, job_id).state)
        network.may_return.set()

    with upscale_behaves(network):
        thread = Thread(target=run_next, args=(services, Lane.CPU, give_up))
        thread.start()
        assert network.started.wait(timeout=20)
        cancel(services, actor, job_id)
        thread.join(timeout=20)
    assert not thread.is_alive()
    assert states == [JobState.CANCELLED]


def test_cancel_run_that_ends_by_itself_keeps_its_process(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "STOP_GRACE_S", 20)
    job_id, started, given_up = submit_one(services, actor), Event(), Event()

    def work(report: Report) -> None:
        started.set()
        while True:
            report.progress(0.5)
            time.sleep(0.01)

    with upscale_behaves(work):
        thread = Thread(target=run_next, args=(services, Lane.CPU, given_up.set))
        thread.start()
        assert started.wait(timeout=20)
        cancel(services, actor, job_id)
        thread.join(timeout=60)
    assert not thread.is_alive()
    assert not given_up.is_set()
