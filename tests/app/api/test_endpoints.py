from __future__ import annotations

from dataclasses import asdict
from io import BytesIO
from uuid import uuid4

from PIL import Image
from starlette.testclient import TestClient

from db.actor import Actor
from db.states import JobState
from db.types import Visibility
from studio.errors import Region
from studio.words import msg
from tasks.services import Services
from tests.app.api.calls import submit, use_token
from tests.factories import make_job
from tests.people import make_person
from tests.pictures import png


def test_jobs_are_paged_newest_first(services: Services, browser: TestClient, mei: Actor) -> None:
    with services.database.write() as unit:
        ids = [str(make_job(unit, mei).id) for _ in range(5)][::-1]
    first = browser.get("/api/v1/jobs?limit=3").json()
    second = browser.get(f"/api/v1/jobs?limit=3&cursor={first['next']}").json()
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids
    assert second["next"] is None


def test_jobs_filters_and_their_mistakes(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    with services.database.write() as unit:
        make_job(unit, mei, tool="upscale", state=JobState.FAILED)
        make_job(unit, mei, tool="cutout")
    [failed] = browser.get("/api/v1/jobs?state=failed").json()["jobs"]
    assert (failed["tool"], failed["error"]["code"]) == ("upscale", "input")
    assert len(browser.get("/api/v1/jobs?tool=cutout").json()["jobs"]) == 1
    for query in ("state=lost", "limit=0", "limit=1000", "cursor=nonsense"):
        answer = browser.get(f"/api/v1/jobs?{query}")
        assert answer.status_code == 422
        assert answer.json().keys() == {"code", "message"}


def test_job_shows_its_files_and_their_addresses(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    [job_id] = submit(browser, png()).json()["job_ids"]
    job = browser.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["owner"], job["state"], job["place"]) == ("mei", "queued", 1)
    [file] = job["inputs"]
    answer = browser.get(file["url"])
    with Image.open(BytesIO(answer.content)) as image:
        assert image.size == (file["width_px"], file["height_px"])


def test_job_of_somebody_else_that_is_private_is_404(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    with services.database.write() as unit:
        job = make_job(unit, mei, visibility=Visibility.PRIVATE)
    use_token(services, browser, make_person(services, "vi"))
    for answer in (
        browser.get(f"/api/v1/jobs/{job.id}"),
        browser.get(f"/api/v1/jobs/{uuid4()}"),
        browser.post(f"/api/v1/jobs/{job.id}/cancel"),
        browser.post(f"/api/v1/jobs/{job.id}/rerun"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "job.not_found")


def test_cancel_then_rerun(browser: TestClient, mei: Actor) -> None:
    [job_id] = submit(browser, png()).json()["job_ids"]
    assert browser.post(f"/api/v1/jobs/{job_id}/cancel").json() == {"cancelled": True}
    assert browser.post(f"/api/v1/jobs/{job_id}/cancel").json() == {"cancelled": False}
    assert browser.get(f"/api/v1/jobs/{job_id}").json()["state"] == "cancelled"
    [again] = browser.post(f"/api/v1/jobs/{job_id}/rerun").json()["job_ids"]
    assert browser.get(f"/api/v1/jobs/{again}").json()["parent_id"] == job_id


def test_parent_that_somebody_may_not_see_is_not_named_to_them(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    with services.database.write() as unit:
        parent = make_job(unit, mei, visibility=Visibility.PRIVATE)
        child = make_job(unit, mei, parent_id=parent.id)
    assert browser.get(f"/api/v1/jobs/{child.id}").json()["parent_id"] == str(parent.id)
    use_token(services, browser, make_person(services, "vi"))
    assert browser.get(f"/api/v1/jobs/{child.id}").json()["parent_id"] is None


def test_schema_describes_the_interface_and_unknown_addresses_are_json(
    browser: TestClient, mei: Actor
) -> None:
    paths = browser.get("/api/openapi.json").json()["paths"]
    assert {"/v1/tools", "/v1/jobs", "/v1/jobs/{job_id}/cancel"} <= paths.keys()
    answer = browser.get("/api/v1/nope")
    assert (answer.status_code, answer.json()["code"]) == (404, "request.unknown_address")
    answer = browser.put("/api/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (405, "request.unknown_method")
    assert answer.headers["Allow"]


def test_job_that_was_refused_shows_the_regions_it_speaks_of(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    region = Region(0.1, 0.2, 0.3, 0.4, label="2", text=msg("turned too far"), is_fault=True)
    with services.database.write() as unit:
        job = make_job(unit, mei, state=JobState.FAILED, error_regions=[region.to_json()])
    error = browser.get(f"/api/v1/jobs/{job.id}").json()["error"]
    assert error["regions"] == [asdict(region) | {"text": "turned too far"}]


def test_jobs_leave_auxiliary_runs_out_unless_asked(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    with services.database.write() as unit:
        swap, search = (make_job(unit, mei, tool=tool).id for tool in ("faceswap", "faces"))
    assert [job["id"] for job in browser.get("/api/v1/jobs").json()["jobs"]] == [str(swap)]
    asked = browser.get("/api/v1/jobs?tool=faces").json()["jobs"]
    assert [job["id"] for job in asked] == [str(search)]
