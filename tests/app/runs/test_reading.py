from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.runs import reading
from app.runs.reading import awaited, batch_results, batch_runs, get_run, live, main_input
from db.actor import Actor
from db.models import Job, JobInput, JobOutput
from db.repositories.needs import NeedRepository, Steps
from db.repositories.submissions import NewJob, NewNeed, SubmissionRepository
from db.states import JobState
from db.types import Lane, Visibility, utc_now
from studio.params import INTERPOLATION, UpscaleParams
from studio.words import msg
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job, make_actor, make_blob, make_job
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

PARAMS = UpscaleParams(model=INTERPOLATION)
NOW = utc_now()


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "utc_now", lambda: NOW)


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


def running(services: Services, owner: Actor, progress: float, ran_s: float) -> Job:
    with services.database.write() as session:
        started_at = NOW - timedelta(seconds=ran_s)
        job = make_job(
            session, owner, state=JobState.RUNNING, progress=progress, started_at=started_at
        )
    return load_job(services.database, job.id)


def test_live_pace_of_the_job_says_what_remains(services: Services, mei: Actor) -> None:
    job = running(services, mei, progress=0.25, ran_s=10)
    [card] = live(services, [job], {job.id: 999.0})
    assert card.remaining_s == pytest.approx(30)


def test_live_early_on_past_runs_say_what_remains(services: Services, mei: Actor) -> None:
    job = running(services, mei, progress=0.02, ran_s=10)
    assert live(services, [job], {job.id: 60.0})[0].remaining_s == pytest.approx(50)


@pytest.mark.parametrize("progress", [0.0, 0.02, 0.14, 0.15, 0.5, 0.9])
@pytest.mark.parametrize("expected_s", [11.0, 60.0, 600.0])
def test_live_bar_and_words_say_the_same(
    services: Services, mei: Actor, progress: float, expected_s: float
) -> None:
    job = running(services, mei, progress=progress, ran_s=10)
    [card] = live(services, [job], {job.id: expected_s})
    assert card.remaining_s is not None
    whole_s = card.elapsed_s + card.remaining_s
    assert card.progress == pytest.approx(card.elapsed_s / whole_s, abs=0.01)


@pytest.mark.parametrize("expected_s", [None, 5.0])
def test_live_says_nothing_rather_than_something_untrue(
    services: Services, mei: Actor, expected_s: float | None
) -> None:
    job = running(services, mei, progress=0.02, ran_s=10)
    assert live(services, [job], {job.id: expected_s})[0].remaining_s is None


@pytest.mark.parametrize(("expected_s", "is_overdue"), [(None, False), (5.0, True), (60.0, False)])
def test_live_run_beyond_what_its_kind_takes_is_overdue(
    services: Services, mei: Actor, expected_s: float | None, is_overdue: bool
) -> None:
    job = running(services, mei, progress=0.5, ran_s=10)
    assert live(services, [job], {job.id: expected_s})[0].is_overdue is is_overdue


def test_live_resting_job_says_why_and_until_when(services: Services, mei: Actor) -> None:
    with services.database.write() as session:
        not_before = NOW + timedelta(seconds=20)
        job = make_job(
            session,
            mei,
            state=JobState.QUEUED,
            not_before=not_before,
            error_message=msg("Storage is away."),
        )
    [card] = live(services, [load_job(services.database, job.id)], {})
    assert card.rests_s == 20
    assert str(card.reason) == "Storage is away."


def test_live_waiting_jobs_have_their_place(services: Services, mei: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(3)]
    ids = submit(services, mei, request(PARAMS, *items))
    jobs = [load_job(services.database, job_id) for job_id in ids]
    assert [card.place for card in live(services, jobs, {})] == [1, 2, 3]


def test_batch_keeps_all_of_its_pictures_when_fewer_may_be_submitted_now(
    services: Services, mei: Actor
) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(3)]
    ids = submit(services, mei, request(PARAMS, *items))
    batch_id = load_job(services.database, ids[0]).batch_id
    assert batch_id is not None
    with services.database.write() as session:
        for job_id in ids:
            blob = make_blob(session)
            session.add(
                JobOutput(job_id=job_id, role="image", blob_sha256=blob.sha256, file_name="x.png")
            )
    settings = services.settings.model_copy(update={"max_files_per_run": 1})
    lowered = replace(services, settings=settings)
    assert [row.id for row in batch_runs(lowered, mei, batch_id)] == ids
    assert [output.job_id for output in batch_results(lowered, mei, batch_id)] == ids


@pytest.mark.parametrize("role", ["image", "photo"])
def test_main_input_is_the_picture_even_where_the_tool_is_gone(
    services: Services, mei: Actor, role: str
) -> None:
    with services.database.write() as session:
        job = make_job(session, mei, tool="gone", main_role=role)
        blob = make_blob(session)
        session.add(
            JobInput(job_id=job.id, role="alpha", blob_sha256=blob.sha256, file_name="a.png")
        )
    picture = main_input(load_job(services.database, job.id))
    assert picture is not None
    assert picture.file_name == "cat.jpg"


def test_get_run_of_somebody_elses_private_run_is_none(services: Services, mei: Actor) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        job_id = make_job(session, owner, visibility=Visibility.PRIVATE).id
    assert get_run(services, owner, job_id) is not None
    assert get_run(services, mei, job_id) is None


def test_batch_results_are_those_the_person_may_see(services: Services, mei: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(2)]
    ids = submit(services, mei, request(PARAMS, *items, visibility=Visibility.PRIVATE))
    batch_id = load_job(services.database, ids[0]).batch_id
    assert batch_id is not None
    with services.database.write() as session:
        other = make_actor(session)
        make_job(
            session, mei, batch_id=batch_id, outputs={"image": make_blob(session)}, file_name="x"
        )
    assert len(batch_results(services, mei, batch_id)) == 1
    with services.database.write() as session:
        session.query(Job).update({Job.visibility: Visibility.PRIVATE})
    assert batch_results(services, other, batch_id) == []


def test_live_progress_counts_steps_and_says_what_is_missing(
    services: Services, mei: Actor
) -> None:
    with services.database.write() as session:
        done = make_job(session, mei)
        open_step = make_job(session, mei, state=JobState.RUNNING, progress=0.5)
        run = NewJob(
            owner_id=mei.id,
            tool="upscale",
            method=INTERPOLATION,
            params=PARAMS.model_dump(mode="json"),
            params_version=PARAMS.version(),
            main_role="image",
            lane=Lane.CPU,
            inputs=[],
            needs=[NewNeed(job_id=open_step.id, output_role="image", role="image")],
            title="cat.png",
        )
        SubmissionRepository(session).add_all([run])
        NeedRepository(session).add([run])
        done.serves_id = open_step.serves_id = run.id
    [card] = live(services, [load_job(services.database, run.id)], {})
    assert (card.needs, card.steps) == (1, Steps(total=2, done=1, progress=1.5))
    assert card.progress == pytest.approx(0.5)
    assert [row.id for row in awaited(services, mei, run.id)] == [open_step.id]
