from __future__ import annotations

import errno
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from db.actor import Actor
from db.models import Blob, Job, JobOutput
from db.repositories.queue import Claim, JobFile, QueueRepository
from db.states import JobState
from db.types import Lane, utc_now
from studio.errors import (
    BusyError,
    DiskFullError,
    RetriableError,
    StorageAwayError,
    UserInputError,
)
from studio.imaging.decode import Limits, decode
from studio.report import Report
from studio.words import msg
from tasks.execute import LONGEST_POSTPONEMENT_S, run_next
from tasks.queue_upkeep import wake_rested
from tasks.services import Services
from tasks.submit import cancel, store_upload, submit
from tests.imports import loaded_by
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of
from tests.runners import upscale_behaves
from tests.servers import wait_until
from tests.tasks.executing import PARAMS, run_all, running, submit_one

RUNTIMES = {"onnxruntime", "onnx", "torch", "cv2"}


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


def test_fault_after_thousands_of_postponements_rests_no_longer_than_ever(
    services: Services, actor: Actor
) -> None:
    job_id = submit_one(services, actor)
    with services.database.write() as session:
        session.get_one(Job, job_id).attempt = 2000
    with upscale_behaves(raises(DiskFullError())):
        assert run_next(services, Lane.CPU)
    job = job_of(services.database, job_id)
    assert (job.state, job.attempts_spent) == (JobState.QUEUED, 0)
    assert job.not_before is not None
    assert job.not_before <= utc_now() + timedelta(seconds=LONGEST_POSTPONEMENT_S)


def test_result_that_cannot_be_recorded_fails_the_job_at_once(
    services: Services,
    actor: Actor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id, finish = submit_one(services, actor), QueueRepository.finish

    def with_a_long_role(
        self: QueueRepository, claim: Claim, outputs: list[JobFile], record: dict[str, Any]
    ) -> bool:
        return finish(self, claim, [replace(one, role="r" * 99) for one in outputs], record)

    monkeypatch.setattr(QueueRepository, "finish", with_a_long_role)
    assert run_next(services, Lane.CPU)
    job = job_of(services.database, job_id)
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "internal", 1)
    assert job.outputs == []
    assert "Traceback" in caplog.text


def test_claim_whose_answer_is_cut_off_takes_up_no_job_that_was_left(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, next_one = submit_one(services, actor), submit_one(services, actor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.execute.execute", lambda *_: None)
        assert run_next(services, Lane.CPU)
    original, cuts = QueueRepository.claim, [1]

    def cut(self: QueueRepository, *arguments: Any, **options: Any) -> Claim | None:
        claim = original(self, *arguments, **options)
        if cuts[0]:
            cuts[0] -= 1
            self._session.rollback()
            raise OperationalError("UPDATE", None, psycopg.OperationalError("server closed it"))
        return claim

    monkeypatch.setattr(QueueRepository, "claim", cut)
    assert run_next(services, Lane.CPU)
    assert job_of(services.database, left).state is JobState.RUNNING
    assert job_of(services.database, next_one).state is JobState.SUCCEEDED


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


def test_submitting_side_imports_no_runtime() -> None:
    assert not loaded_by("tasks.submit", "tasks.status", "tasks.supervisor") & RUNTIMES


def test_worker_parent_imports_no_runtime() -> None:
    modules = ("tasks.celery_app", "tasks.execute", "tasks.maintenance", "tasks.worker_reports")
    assert not loaded_by(*modules) & RUNTIMES
