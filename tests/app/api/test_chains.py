"""Runs that take what other runs make, asked for over REST."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.people.sessions import create_api_token
from app.runs.reading import batch_results
from app.runs.sample import sample_picture
from db.actor import Actor
from db.session import Database
from db.states import JobState
from db.types import Lane, Origin, Role, Visibility
from studio.settings import Settings
from tasks.execute import run_next
from tasks.services import Services
from tests.app.conftest import services_on
from tests.factories import load_job, make_job
from tests.people import HERE, make_person
from tests.pictures import png
from tests.rows import job_of
from tests.studio.tools.conftest import need_weights

__all__ = ["need_weights"]


@pytest.fixture
def services(sqlite_database: Database, tmp_path: Path, quick_hashing: None) -> Services:
    """A studio on SQLite with whatever weights are installed here."""
    services = services_on(sqlite_database, tmp_path)
    settings = services.settings.model_copy(update={"weights_dir": Settings().weights_dir})
    return Services(settings, services.database, services.blobs)


@pytest.fixture
def mei(services: Services, browser: TestClient) -> Actor:
    actor = make_person(services)
    token = create_api_token(services, actor, "tests", HERE)
    browser.headers["Authorization"] = f"Bearer {token}"
    return actor


def submit(
    browser: TestClient,
    tool: str,
    picture: bytes | str,
    params: dict[str, object],
    **fields: str,
) -> str:
    """The id of the run; ``picture`` is a file, or names what another run makes."""
    data = {"tool": tool, "params": json.dumps(params), **fields}
    if isinstance(picture, str):
        answer = browser.post("/api/v1/jobs", data=data | {"image": picture})
    else:
        answer = browser.post("/api/v1/jobs", data=data, files={"image": ("cat.png", picture)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_ids"][0])


@pytest.mark.usefixtures("need_weights")
@pytest.mark.weights("isnet", "realesr-animevideov3")
def test_cutout_then_upscale_then_white_background_make_one_picture(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    _, portrait = sample_picture()
    cutout = submit(browser, "cutout", portrait, {})
    upscale = submit(browser, "upscale", f"job:{cutout}", {"scale": 2})
    white = submit(
        browser,
        "cutout",
        f"job:{upscale}/image",
        {"output": "colour", "colour": "#ffffff"},
        alpha=f"job:{upscale}/image",
    )
    states = [browser.get(f"/api/v1/jobs/{each}").json()["state"] for each in (upscale, white)]
    assert states == ["waiting", "waiting"]
    while run_next(services, Lane.GPU) or run_next(services, Lane.CPU):
        pass

    done = job_of(services.database, UUID(white))
    assert done.state is JobState.SUCCEEDED, done.error_message
    assert (str(done.parent_id), done.origin) == (upscale, Origin.MADE_FROM)
    assert done.record is not None
    assert done.record["weights"] == []  # the alpha came along: no network ran again
    [result] = [file for file in done.outputs if file.role == "image"]
    picture = Image.open(BytesIO(services.blobs.read(result.blob_sha256)))
    source = Image.open(BytesIO(portrait))
    assert picture.size == (2 * source.width, 2 * source.height)
    pixels = np.asarray(picture.convert("RGB"))
    assert (pixels[:8, :8] == 255).all()
    assert pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].min() < 250


@pytest.mark.parametrize("name", ["job:", "job:x", "job:x/image", "job:{}/image/a", "job:{}/a/1/2"])
def test_submit_what_names_no_result_is_refused(browser: TestClient, mei: Actor, name: str) -> None:
    image = name.format("00000000-0000-0000-0000-000000000000")
    answer = browser.post("/api/v1/jobs", data={"tool": "upscale", "image": image})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


def test_submit_result_of_an_unknown_job_is_404(browser: TestClient, mei: Actor) -> None:
    image = "job:00000000-0000-0000-0000-000000000000"
    answer = browser.post("/api/v1/jobs", data={"tool": "upscale", "image": image})
    assert (answer.status_code, answer.json()["code"]) == (404, "job.not_found")


def test_pause_then_resume_a_batch(services: Services, browser: TestClient, mei: Actor) -> None:
    files = [("image", (f"{n}.png", png(n), "image/png")) for n in range(2)]
    data = {"tool": "upscale", "params": json.dumps({"model": "interpolation"})}
    [first, _] = browser.post("/api/v1/jobs", data=data, files=files).json()["job_ids"]
    batch = browser.get(f"/api/v1/jobs/{first}").json()["batch_id"]
    paused = browser.post(f"/api/v1/batches/{batch}/pause")
    assert paused.json() == {"is_paused": True, "jobs": 2}
    assert browser.get(f"/api/v1/jobs/{first}").json()["state"] == "waiting"
    resumed = browser.post(f"/api/v1/batches/{batch}/resume")
    assert resumed.json() == {"is_paused": False, "jobs": 2}
    other = create_api_token(services, make_person(services, "ben", Role.MEMBER), "t", HERE)
    answer = browser.post(
        f"/api/v1/batches/{batch}/pause", headers={"Authorization": f"Bearer {other}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "batch.not_found")


def test_run_that_waits_is_shown_with_what_it_waits_for(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    params: dict[str, object] = {"model": "interpolation"}
    first = submit(browser, "upscale", png(1), params)
    second = submit(browser, "upscale", f"job:{first}", params)
    shown = browser.get(f"/api/v1/jobs/{second}").json()
    assert (shown["state"], shown["waits_for"], shown["inputs"]) == ("waiting", [first], [])
    assert shown["steps"] is None

    assert browser.post(f"/api/v1/jobs/{first}/cancel").json() == {"cancelled": True}
    ended = browser.get(f"/api/v1/jobs/{second}").json()
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "need.cancelled")
    listed = browser.get("/api/v1/jobs").json()["jobs"]
    assert {job["id"] for job in listed} == {first, second}


def test_zip_of_a_batch_that_waits_is_empty(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    first = submit(browser, "upscale", png(1), {"model": "interpolation"})
    data = {
        "tool": "upscale",
        "params": '{"model": "interpolation"}',
        "image": [f"job:{first}"] * 2,
    }
    ids = browser.post("/api/v1/jobs", data=data).json()["job_ids"]
    batch_id = browser.get(f"/api/v1/jobs/{ids[0]}").json()["batch_id"]
    assert batch_results(services, mei, UUID(batch_id)) == []


SMALL = {"model": "interpolation", "scale": 2}


def submit_chain(
    browser: TestClient, *steps: dict[str, object], pictures: int = 1, **fields: str
) -> list[str]:
    """The ids of the runs that chains of these steps end in, one for each picture."""
    files = [("1.image", (f"{n}.png", png(n), "image/png")) for n in range(pictures)]
    answer = browser.post(
        "/api/v1/chains", data={"steps": json.dumps(steps), **fields}, files=files
    )
    assert answer.status_code == 202, answer.text
    ids: list[str] = answer.json()["job_ids"]
    return ids


def test_chain_is_one_run_whose_steps_are_hidden_and_counted(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    step: dict[str, object] = {"tool": "upscale", "params": SMALL}
    [run] = submit_chain(browser, step, step, step, visibility="private")
    shown = browser.get(f"/api/v1/jobs/{run}").json()
    assert (shown["state"], shown["steps"]) == ("waiting", {"total": 3, "done": 0})
    assert (shown["title"], shown["visibility"]) == ("0.png", "private")
    assert [job["id"] for job in browser.get("/api/v1/jobs").json()["jobs"]] == [run]

    assert run_next(services, Lane.CPU)
    shown = browser.get(f"/api/v1/jobs/{run}").json()
    assert shown["steps"] == {"total": 3, "done": 1}
    assert shown["progress"] == pytest.approx(1 / 3)
    while run_next(services, Lane.CPU):
        pass
    done = browser.get(f"/api/v1/jobs/{run}").json()
    assert (done["state"], done["progress"]) == ("succeeded", 1.0)
    with Image.open(BytesIO(png(0))) as source:
        width_px = source.width
    assert done["outputs"][0]["width_px"] == 8 * width_px


def test_chain_on_several_pictures_is_a_batch_of_its_last_runs(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    step: dict[str, object] = {"tool": "upscale", "params": SMALL}
    ids = submit_chain(browser, step, step, pictures=2, batch_name="Monday")
    batches = {browser.get(f"/api/v1/jobs/{run}").json()["batch_id"] for run in ids}
    assert len(batches) == 1
    [batch] = batches
    # Its steps wait with it.
    assert browser.post(f"/api/v1/batches/{batch}/pause").json()["jobs"] == 2
    assert not run_next(services, Lane.CPU)
    browser.post(f"/api/v1/batches/{batch}/resume")
    while run_next(services, Lane.CPU):
        pass
    assert len(batch_results(services, mei, UUID(str(batch)))) == 2


def test_cancel_of_a_chain_ends_its_steps(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    step: dict[str, object] = {"tool": "upscale", "params": SMALL}
    [run] = submit_chain(browser, step, step, step)
    [last_step] = browser.get(f"/api/v1/jobs/{run}").json()["waits_for"]
    assert browser.post(f"/api/v1/jobs/{run}/cancel").json() == {"cancelled": True}
    ended = browser.get(f"/api/v1/jobs/{last_step}").json()
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "step.not_needed")
    assert not run_next(services, Lane.CPU)


def test_chain_starts_again_from_the_step_that_failed(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    step: dict[str, object] = {"tool": "upscale", "params": SMALL}
    [run] = submit_chain(browser, step, step, step)
    assert run_next(services, Lane.CPU)
    [second] = browser.get(f"/api/v1/jobs/{run}").json()["waits_for"]
    source = job_of(services.database, UUID(second)).inputs[0].blob_sha256
    data = services.blobs.read(source)
    services.blobs.delete(source)
    assert run_next(services, Lane.CPU)
    ended = browser.get(f"/api/v1/jobs/{run}").json()
    assert (ended["state"], ended["error"]["code"]) == ("cancelled", "need.failed")
    assert "“0.png” (upscale) failed" in ended["error"]["message"]

    services.blobs.put(data)
    [again] = browser.post(f"/api/v1/jobs/{run}/rerun").json()["job_ids"]
    assert browser.get(f"/api/v1/jobs/{again}").json()["steps"] == {"total": 2, "done": 0}
    assert len([True for _ in iter(lambda: run_next(services, Lane.CPU), False)]) == 2
    assert browser.get(f"/api/v1/jobs/{again}").json()["state"] == "succeeded"
    listed = {job["id"] for job in browser.get("/api/v1/jobs").json()["jobs"]}
    assert listed == {run, again}


def test_step_takes_what_an_earlier_step_made(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    white = {"output": "colour", "colour": "#ffffff"}
    [run] = submit_chain(
        browser,
        {"tool": "upscale", "params": SMALL},
        {"tool": "cutout", "params": white},
        **{"2.alpha": "step:1/image"},
    )
    assert run_next(services, Lane.CPU)
    done = job_of(services.database, UUID(run))
    roles = sorted(file.role for file in done.inputs)
    assert (done.lane, roles) == (Lane.CPU, ["alpha", "image"])


@pytest.mark.parametrize(
    ("steps", "fields", "code"),
    [
        ("[]", {}, "chain.length"),
        (json.dumps([{"tool": "upscale"}] * 11), {}, "chain.length"),
        ("7", {}, "request.invalid"),
        ('["upscale"]', {}, "request.invalid"),
        ('[{"tool": 7}]', {}, "request.invalid"),
        ('[{"tool": "dance"}]', {}, "tool.unknown"),
        ('[{"tool": "upscale", "parms": {}}]', {}, "request.invalid"),
        ('[{"tool": "upscale", "params": {"scale": 9}}]', {}, "params.invalid"),
        ('[{"tool": "upscale", "params_version": 99}]', {}, "params.newer"),
        ('[{"tool": "upscale", "params_version": %s}]' % ("9" * 4000), {}, "params.newer"),
        (r'[{"tool": "upscale", "\ud800": 1}]', {}, "request.invalid"),
        ('[{"tool": "upscale"}]', {"1.mask": "x"}, "request.invalid"),
        ('[{"tool": "upscale"}, {"tool": "upscale"}]', {"2.image": "step:1"}, "request.invalid"),
        ('[{"tool": "cutout"}]', {"1.background": "step:1"}, "chain.order"),
        ('[{"tool": "cutout"}]', {"1.background": "step:one"}, "request.invalid"),
        ('[{"tool": "upscale"}]', {"1.image": "step:1"}, "request.invalid"),
        ('[{"tool": "upscale"}]', {"1.image": ""}, "submit.empty"),
    ],
)
def test_chain_that_cannot_be_is_refused(
    browser: TestClient, mei: Actor, steps: str, fields: dict[str, str], code: str
) -> None:
    files = {} if "1.image" in fields else {"1.image": ("cat.png", png(1))}
    answer = browser.post("/api/v1/chains", data={"steps": steps, **fields}, files=files)
    assert (answer.status_code in (404, 422), answer.json()["code"]) == (True, code)


def test_chain_whose_parameters_do_not_fit_names_the_step(browser: TestClient, mei: Actor) -> None:
    steps = json.dumps([{"tool": "cutout"}, {"tool": "upscale", "params": {"scale": 9}}])
    answer = browser.post(
        "/api/v1/chains", data={"steps": steps}, files={"1.image": ("cat.png", png(1))}
    )
    assert answer.json()["message"].startswith("Step 2: scale: ")


def test_chain_without_a_picture_is_refused(browser: TestClient, mei: Actor) -> None:
    answer = browser.post("/api/v1/chains", data={"steps": '[{"tool": "upscale"}]'})
    assert answer.json()["code"] == "submit.empty"


def test_chain_by_a_viewer_is_refused_before_its_files_are_kept(
    services: Services, browser: TestClient
) -> None:
    token = create_api_token(services, make_person(services, "ann", Role.VIEWER), "t", HERE)
    answer = browser.post(
        "/api/v1/chains",
        data={"steps": '[{"tool": "upscale"}]'},
        files={"1.image": ("cat.png", png(1))},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 403


def test_visibility_is_changed_by_the_owner_alone(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    lee = make_person(services, "lee")
    with services.database.write() as session:
        mine, theirs = make_job(session, mei).id, make_job(session, lee).id
    address = "/api/v1/jobs/{}/visibility?visibility=private"
    assert browser.post(address.format(mine)).json() == {"visibility": "private"}
    assert load_job(services.database, mine).visibility is Visibility.PRIVATE
    refused = browser.post(address.format(theirs))
    assert (refused.status_code, refused.json()["code"]) == (404, "job.not_found")
    assert load_job(services.database, theirs).visibility is Visibility.TEAM


def test_inpaint_without_a_mask_is_refused_at_once_on_a_result_and_as_a_step(
    browser: TestClient, mei: Actor
) -> None:
    first = submit(browser, "upscale", png(1), {"scale": 2})
    on_result = browser.post("/api/v1/jobs", data={"tool": "inpaint", "image": f"job:{first}"})
    steps = json.dumps([{"tool": "upscale"}, {"tool": "inpaint"}])
    as_step = browser.post(
        "/api/v1/chains", data={"steps": steps}, files={"1.image": ("cat.png", png(1))}
    )
    for answer in (on_result, as_step):
        assert (answer.status_code, answer.json()["code"]) == (422, "inpaint.nothing_masked")
        assert "Give a mask picture" in answer.json()["message"]
    assert [job["id"] for job in browser.get("/api/v1/jobs").json()["jobs"]] == [first]
