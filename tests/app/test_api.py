from __future__ import annotations

import json
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from app.sessions import create_api_token, open_session
from db.actor import Actor
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Role, Visibility
from studio.tools.spec import TOOLS
from tasks.services import Services
from tests.factories import make_job
from tests.people import HERE, make_person
from tests.pictures import png


@pytest.fixture
def mei(services: Services, browser: TestClient) -> Actor:
    """A member, whose API token the browser sends."""
    actor = make_person(services)
    use_token(services, browser, actor)
    return actor


def use_token(services: Services, browser: TestClient, actor: Actor) -> None:
    token = create_api_token(services, actor, "tests", HERE)
    browser.headers["Authorization"] = f"Bearer {token}"


def submit(browser: TestClient, *pictures: bytes, **fields: str) -> Response:
    files = [("image", (f"{n}.png", data, "image/png")) for n, data in enumerate(pictures)]
    return browser.post("/api/v1/jobs", data={"tool": "upscale", **fields}, files=files)


def test_tools_are_listed_with_the_schema_of_their_parameters(
    browser: TestClient, mei: Actor
) -> None:
    tools = {tool["name"]: tool for tool in browser.get("/api/v1/tools").json()}
    assert tools.keys() == TOOLS.keys()
    assert tools["cutout"]["required_roles"] == ["image"]
    assert tools["cutout"]["params"]["properties"]["feather_px"]["maximum"] == 50
    assert tools["cutout"]["params"]["additionalProperties"] is False


def test_submit_one_picture_queues_one_run_with_its_parameters(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    answer = submit(browser, png(), params=json.dumps({"scale": 3}), visibility="private")
    assert answer.status_code == 202
    [job_id] = answer.json()["job_ids"]
    with services.database.read() as unit:
        job = JobRepository(unit).get(mei, UUID(job_id))
    assert job is not None
    assert (job.state, job.tool, job.params["scale"]) == (JobState.QUEUED, "upscale", 3)
    assert (job.visibility, job.inputs[0].file_name) == (Visibility.PRIVATE, "0.png")
    assert services.blobs.read(job.inputs[0].blob_sha256) == png()


def test_submit_several_pictures_makes_a_batch_in_their_order(
    browser: TestClient, mei: Actor
) -> None:
    job_ids = submit(browser, png(1), png(2), png(3)).json()["job_ids"]
    jobs = [browser.get(f"/api/v1/jobs/{job_id}").json() for job_id in job_ids]
    assert [job["title"] for job in jobs] == ["0.png", "1.png", "2.png"]
    assert len({job["batch_id"] for job in jobs}) == 1
    assert jobs[0]["batch_id"] is not None


def test_submit_shares_a_background_with_every_picture(browser: TestClient, mei: Actor) -> None:
    files = [
        ("image", ("a.png", png(1), "image/png")),
        ("image", ("b.png", png(2), "image/png")),
        ("background", ("beach.png", png(3), "image/png")),
    ]
    params = json.dumps({"output": "picture"})
    answer = browser.post("/api/v1/jobs", data={"tool": "cutout", "params": params}, files=files)
    for job_id in answer.json()["job_ids"]:
        inputs = browser.get(f"/api/v1/jobs/{job_id}").json()["inputs"]
        names = {file["role"]: file["file_name"] for file in inputs}
        assert names["background"] == "beach.png"


@pytest.mark.parametrize(
    ("fields", "pictures", "status", "code"),
    [
        ({"tool": "cartoonise"}, [png()], 404, "tool.unknown"),
        ({"params": '{"scale": 7}'}, [png()], 422, "params.invalid"),
        ({"params": '{"sclae": 2}'}, [png()], 422, "params.invalid"),
        ({"params": "[]"}, [png()], 422, "params.invalid"),
        ({"params": "not json"}, [png()], 422, "params.invalid"),
        ({"visibility": "secret"}, [png()], 422, "request.invalid"),
        ({}, [], 422, "submit.empty"),
        ({}, [png(1), png(2), png(3), png(4)], 422, "submit.too_many"),
        ({}, [b"this is no picture"], 422, "image.not_an_image"),
    ],
)
def test_submit_refusals_have_a_code_and_a_sentence(
    browser: TestClient,
    mei: Actor,
    fields: dict[str, str],
    pictures: list[bytes],
    status: int,
    code: str,
) -> None:
    answer = submit(browser, *pictures, **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].endswith((".", "}"))
    assert browser.get("/api/v1/jobs").json()["jobs"] == []


def test_submit_file_over_the_limit_is_413(
    services: Services, browser: TestClient, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.settings.__dict__, "max_upload_bytes", 100)
    answer = submit(browser, png())
    assert (answer.status_code, answer.json()["code"]) == (413, "image.too_many_bytes")


def test_submit_request_over_the_limit_is_413_before_it_is_read(
    browser: TestClient, mei: Actor
) -> None:
    headers = {"Content-Length": str(10**12), "Content-Type": "multipart/form-data; boundary=x"}
    answer = browser.post("/api/v1/jobs", headers=headers, content=b"")
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_submit_by_a_viewer_is_forbidden(services: Services, browser: TestClient) -> None:
    use_token(services, browser, make_person(services, "vi", Role.VIEWER))
    answer = submit(browser, png())
    assert (answer.status_code, answer.json()["code"]) == (403, "permission.may_not_run")


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


def test_strangers_are_refused(browser: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
        answer = browser.get("/api/v1/jobs", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "request.not_signed_in")


def test_cookie_changes_things_only_from_our_own_pages(
    services: Services, browser: TestClient
) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    assert submit(browser, png()).status_code == 202
    browser.headers["Origin"] = "https://evil.test"
    assert browser.get("/api/v1/jobs").status_code == 200
    answer = submit(browser, png())
    assert (answer.status_code, answer.json()["code"]) == (403, "request.not_our_origin")


def test_schema_describes_the_interface_and_unknown_addresses_are_json(
    browser: TestClient, mei: Actor
) -> None:
    paths = browser.get("/api/openapi.json").json()["paths"]
    assert {"/v1/tools", "/v1/jobs", "/v1/jobs/{job_id}/cancel"} <= paths.keys()
    assert browser.get("/api/docs").status_code == 404
    assert browser.get("/api/v1/nope").json() == {"detail": "Not Found"}
