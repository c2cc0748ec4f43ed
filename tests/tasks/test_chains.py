from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from db.actor import Actor
from db.models import Job
from db.repositories.queue import QueueRepository
from db.states import JobState
from db.types import Lane, Origin, Role, Visibility
from studio.errors import UserInputError
from studio.params import CutoutOutput, CutoutParams, ToolParams, UpscaleParams
from tasks.batches import is_paused, pause, resume
from tasks.execute import run_next
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import cancel, rerun, store_upload, submit
from tests.factories import make_actor, make_job, make_record
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of

PARAMS = UpscaleParams(model="interpolation", scale=2)
WHITE = CutoutParams(output=CutoutOutput.COLOUR, colour="#ffffff")


@pytest.fixture
def actor(services: Services) -> Actor:
    with services.database.write() as session:
        return make_actor(session)


def start(services: Services, actor: Actor, size: tuple[int, int] = (40, 30)) -> UUID:
    stored = store_upload(services, "cat.png", png(1, *size))
    return submit(services, actor, request(PARAMS, {"image": stored}))[0]


def then(services: Services, actor: Actor, after: UUID, params: ToolParams = PARAMS) -> UUID:
    return submit(services, actor, request(params, {"image": ResultOf(after)}))[0]


def job(services: Services, job_id: UUID) -> Job:
    return job_of(services.database, job_id)


def refusal(services: Services, actor: Actor, after: ResultOf) -> str | None:
    with pytest.raises(UserInputError) as caught:
        submit(services, actor, request(PARAMS, {"image": after}))
    return caught.value.code


def test_submit_result_of_a_queued_job_waits_and_runs_on_it(
    services: Services, actor: Actor
) -> None:
    first = start(services, actor)
    second = then(services, actor, first)
    waiting = job(services, second)
    assert (waiting.state, waiting.inputs, waiting.title) == (JobState.WAITING, [], "cat.png")
    assert (waiting.parent_id, waiting.origin) == (first, Origin.MADE_FROM)
    assert run_next(services, Lane.CPU)
    assert run_next(services, Lane.CPU)
    made, done = job(services, first).outputs[0], job(services, second)
    assert (done.state, done.inputs[0].blob_sha256) == (JobState.SUCCEEDED, made.blob_sha256)
    assert (done.outputs[0].blob.width_px, done.outputs[0].blob.height_px) == (160, 120)


def test_submit_result_of_a_done_job_is_queued_at_once(services: Services, actor: Actor) -> None:
    first = start(services, actor)
    run_next(services, Lane.CPU)
    second = job(services, then(services, actor, first))
    assert (second.state, len(second.inputs)) == (JobState.QUEUED, 1)
    assert (second.parent_id, second.origin) == (first, Origin.MADE_FROM)


def test_submit_result_as_the_alpha_that_the_studio_fills_needs_no_network(
    services: Services, actor: Actor
) -> None:
    first = start(services, actor)
    files = {"image": ResultOf(first), "alpha": ResultOf(first)}
    [second] = submit(services, actor, request(WHITE, files))
    assert job(services, second).lane is Lane.CPU


def test_submit_result_that_cannot_come_is_refused(services: Services, actor: Actor) -> None:
    with services.database.write() as session:
        other = make_actor(session)
        private = make_job(session, other, visibility=Visibility.PRIVATE).id
        theirs = make_job(session, other, state=JobState.QUEUED).id
        failed = make_job(session, actor, state=JobState.FAILED).id
        bare = make_job(session, actor).id
    assert refusal(services, actor, ResultOf(uuid4())) == "job.not_found"
    assert refusal(services, actor, ResultOf(private)) == "job.not_found"
    assert refusal(services, actor, ResultOf(theirs)) == "need.foreign"
    assert refusal(services, actor, ResultOf(failed)) == "need.ended"
    assert refusal(services, actor, ResultOf(bare)) == "need.no_output"


def test_rerun_of_what_a_failed_step_cancelled_starts_with_that_step(
    services: Services, actor: Actor
) -> None:
    first = start(services, actor)
    second = then(services, actor, first)
    third = then(services, actor, second)
    run_next(services, Lane.CPU)
    source = job(services, second).inputs[0].blob_sha256
    data = services.blobs.read(source)
    services.blobs.delete(source)
    run_next(services, Lane.CPU)
    assert job(services, second).state is JobState.FAILED
    ended = job(services, third)
    assert (ended.state, ended.error_code) == (JobState.CANCELLED, "need.failed")

    services.blobs.put(data)
    again = rerun(services, actor, third)
    waiting = job(services, again)
    assert (waiting.state, waiting.parent_id) == (JobState.WAITING, third)
    runs = 0
    while run_next(services, Lane.CPU):
        runs += 1
    assert runs == 2  # the first step is not run again
    assert job(services, again).state is JobState.SUCCEEDED


def test_rerun_of_what_needs_a_run_that_ended_without_the_file_repeats_that_run_too(
    services: Services, actor: Actor
) -> None:
    first = start(services, actor)
    second = then(services, actor, first)
    assert cancel(services, actor, second)
    with services.database.write() as session:
        queue = QueueRepository(session)
        claim = queue.claim(Lane.CPU, "worker", lease_s=60)
        assert claim is not None
        assert queue.finish(claim, [], make_record())

    again = rerun(services, actor, second)
    assert job(services, again).state is JobState.WAITING
    while run_next(services, Lane.CPU):
        pass
    assert job(services, again).state is JobState.SUCCEEDED


def test_cancel_of_a_step_cancels_what_follows(services: Services, actor: Actor) -> None:
    first = start(services, actor)
    second = then(services, actor, first)
    assert cancel(services, actor, first)
    assert job(services, second).state is JobState.CANCELLED


def test_run_next_wakes_the_lane_of_what_it_released(services: Services, actor: Actor) -> None:
    first = start(services, actor)
    then(services, actor, first, CutoutParams())
    folder = services.settings.data_dir / "broker"

    def tokens() -> int:
        return len(list(folder.glob(f"*.studio.{Lane.GPU}.msg")))

    before = tokens()
    run_next(services, Lane.CPU)
    assert tokens() == before + 1


def test_pause_and_resume_of_a_batch_keep_the_order(services: Services, actor: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(3)]
    job_ids = submit(services, actor, request(PARAMS, *items))
    batch_id = job(services, job_ids[0]).batch_id
    assert batch_id is not None
    assert pause(services, actor, batch_id) == 3
    assert is_paused(services, batch_id)
    assert not run_next(services, Lane.CPU)
    assert cancel(services, actor, job_ids[1])
    assert resume(services, actor, batch_id) == 2
    assert not is_paused(services, batch_id)
    run_next(services, Lane.CPU)
    states = [job(services, job_id).state for job_id in job_ids]
    assert states == [JobState.SUCCEEDED, JobState.CANCELLED, JobState.QUEUED]


def test_pause_of_somebody_elses_batch_is_refused(services: Services, actor: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(2)]
    [job_id, _] = submit(services, actor, request(PARAMS, *items))
    batch_id = job(services, job_id).batch_id
    assert batch_id is not None
    with services.database.write() as session:
        other, admin = make_actor(session), make_actor(session, role=Role.ADMIN)
    for unknown in (batch_id, uuid4()):
        with pytest.raises(UserInputError) as caught:
            pause(services, other, unknown)
        assert caught.value.code == "batch.not_found"
    assert pause(services, admin, batch_id) == 2
