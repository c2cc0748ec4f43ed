from __future__ import annotations

from datetime import timedelta

import pytest

from app import consent
from app.runs import batch_results, command_line, get_run, live
from db.actor import Actor
from db.models import Job
from db.states import JobState
from db.types import Visibility, utc_now
from studio.params import INTERPOLATION, FaceswapParams, InpaintParams, UpscaleParams
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job, make_actor, make_blob, make_job
from tests.people import HERE, make_person
from tests.pictures import png

PARAMS = UpscaleParams(model=INTERPOLATION)


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


def running(services: Services, owner: Actor, progress: float, ran_s: float) -> Job:
    with services.database.write() as session:
        started_at = utc_now() - timedelta(seconds=ran_s)
        job = make_job(
            session, owner, state=JobState.RUNNING, progress=progress, started_at=started_at
        )
    return load_job(services.database, job.id)


def test_live_pace_of_the_job_says_what_remains(services: Services, mei: Actor) -> None:
    job = running(services, mei, progress=0.25, ran_s=10)
    [card] = live(services, [job], {job.id: 999.0})
    assert card.remaining_s == pytest.approx(30, abs=2)


def test_live_early_on_past_runs_say_what_remains(services: Services, mei: Actor) -> None:
    job = running(services, mei, progress=0.02, ran_s=10)
    assert live(services, [job], {job.id: 60.0})[0].remaining_s == pytest.approx(50, abs=2)


@pytest.mark.parametrize("expected_s", [None, 5.0])
def test_live_says_nothing_rather_than_something_untrue(
    services: Services, mei: Actor, expected_s: float | None
) -> None:
    job = running(services, mei, progress=0.02, ran_s=10)
    assert live(services, [job], {job.id: expected_s})[0].remaining_s is None


def test_live_waiting_jobs_have_their_place(services: Services, mei: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(3)]
    ids = submit(services, mei, "upscale", PARAMS, items)
    jobs = [load_job(services.database, job_id) for job_id in ids]
    assert [card.place for card in live(services, jobs, {})] == [1, 2, 3]


def test_get_run_of_somebody_elses_private_run_is_none(services: Services, mei: Actor) -> None:
    with services.database.write() as session:
        owner = make_actor(session)
        job_id = make_job(session, owner, visibility=Visibility.PRIVATE).id
    assert get_run(services, owner, job_id) is not None
    assert get_run(services, mei, job_id) is None


def test_batch_results_are_those_the_person_may_see(services: Services, mei: Actor) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(2)]
    ids = submit(services, mei, "upscale", PARAMS, items, visibility=Visibility.PRIVATE)
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


def test_command_line_names_files_and_what_differs(services: Services, mei: Actor) -> None:
    params = InpaintParams(model="lama", invert=True, grow_px=-4)
    picture = store_upload(services, "my cat.png", png(1))
    mask = store_upload(services, "m.png", png(2))
    [job_id] = submit(services, mei, "inpaint", params, [{"image": picture, "mask": mask}])
    line = command_line(load_job(services.database, job_id))
    assert line == (
        "studio run inpaint 'my cat.png' --mask m.png --model lama --invert --grow-px -4"
    )


def test_command_line_gives_the_pairs_of_a_face_swap_as_a_list(
    services: Services, mei: Actor
) -> None:
    consent.give_consent(services, mei, "faceswap", HERE)
    faces = [store_upload(services, f"{number}.png", png(number)) for number in (1, 2)]
    [job_id] = submit(
        services,
        mei,
        "faceswap",
        FaceswapParams(faces=(2, None)),
        [{"image": store_upload(services, "a.png", png(3)), "source": faces}],
    )
    line = command_line(load_job(services.database, job_id))
    assert line == ("studio run faceswap a.png --source 1.png --source 2.png --faces '[2, null]'")
