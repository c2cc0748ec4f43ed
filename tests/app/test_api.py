from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from app.sessions import create_api_token, open_session
from app.switches import switch
from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Role, Visibility
from studio.errors import Region
from studio.imaging.drawing import Drawing
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


def test_tools_say_what_callers_may_send_and_what_must_be_confirmed(
    browser: TestClient, mei: Actor
) -> None:
    tools = {tool["name"]: tool for tool in browser.get("/api/v1/tools").json()}
    assert tools["faceswap"]["repeatable_roles"] == ["source"]
    assert "agreed" in tools["faceswap"]["consent"]
    assert tools["cutout"]["consent"] == ""
    assert tools["inpaint"]["optional_roles"] == ["mask", "drawing"]
    assert "render" not in tools["cartoon"]["optional_roles"]
    assert all(tool["is_on"] for tool in tools.values())


def send(browser: TestClient, tool: str, *files: tuple[str, bytes], **fields: str) -> Response:
    """Files in their roles; a role may come several times."""
    parts = [(role, (f"{role}-{n}.png", data)) for n, (role, data) in enumerate(files)]
    return browser.post("/api/v1/jobs", data={"tool": tool, **fields}, files=parts)


def inputs_of(browser: TestClient, answer: Response) -> list[tuple[str, str]]:
    [job_id] = answer.json()["job_ids"]
    job = browser.get(f"/api/v1/jobs/{job_id}").json()
    return sorted((file["role"], file["file_name"]) for file in job["inputs"])


def test_submit_faceswap_is_refused_until_consent_is_given_and_recorded(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    files = [("image", png(1)), ("source", png(2)), ("source", png(3)), ("reference", png(4))]
    refused = send(browser, "faceswap", *files)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent.missing")

    asked = browser.get("/api/v1/tools/faceswap/consent").json()
    assert (asked["is_given"], "agreed" in asked["statement"]) == (False, True)
    for _ in range(2):
        assert browser.post("/api/v1/tools/faceswap/consent").json()["is_given"]
    with services.database.read() as unit:
        entries = [row for row in AuditRepository(unit).page(mei) if "consent" in row.action]
    [entry] = entries
    assert (entry.action, entry.actor_name) == ("faceswap.consent", "mei")
    assert entry.detail == {"statement": asked["statement"]}

    answer = send(browser, "faceswap", *files, params='{"faces": [1, null, 2]}')
    assert answer.status_code == 202
    assert inputs_of(browser, answer) == [
        ("image", "image-0.png"),
        ("reference", "reference-3.png"),
        ("source", "source-1.png"),
        ("source", "source-2.png"),
    ]


def test_submit_inpaint_takes_a_mask_and_a_drawing(browser: TestClient, mei: Actor) -> None:
    drawing = Drawing(width_px=24, height_px=16).to_bytes()
    answer = send(browser, "inpaint", ("image", png(1)), ("mask", png(2)), ("drawing", drawing))
    assert [role for role, _ in inputs_of(browser, answer)] == ["drawing", "image", "mask"]

    damaged = send(browser, "inpaint", ("image", png(1)), ("drawing", b"{}"))
    assert (damaged.status_code, damaged.json()["code"]) == (422, "drawing.unreadable")
    twice = send(browser, "inpaint", ("image", png(1)), ("mask", png(2)), ("mask", png(3)))
    assert (twice.status_code, twice.json()["code"]) == (422, "submit.role")


def test_submit_of_a_tool_that_is_switched_off_is_refused(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    job_id = submit(browser, png()).json()["job_ids"][0]
    boss = make_person(services, "boss", Role.ADMIN)
    switch(services, boss, "upscale", HERE, is_on=False)
    for answer in (submit(browser, png()), browser.post(f"/api/v1/jobs/{job_id}/rerun")):
        assert (answer.status_code, answer.json()["code"]) == (403, "tool.switched_off")
    tools = {tool["name"]: tool["is_on"] for tool in browser.get("/api/v1/tools").json()}
    assert not tools["upscale"]
    assert tools["cutout"]
    switch(services, boss, "upscale", HERE, is_on=True)
    assert submit(browser, png()).status_code == 202


def test_job_that_was_refused_shows_the_regions_it_speaks_of(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    region = Region(0.1, 0.2, 0.3, 0.4, label="2", text="turned too far", is_fault=True)
    with services.database.write() as unit:
        job = make_job(unit, mei, state=JobState.FAILED, error_regions=[asdict(region)])
    error = browser.get(f"/api/v1/jobs/{job.id}").json()["error"]
    assert error["regions"] == [asdict(region)]


def test_jobs_leave_auxiliary_runs_out_unless_asked(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    with services.database.write() as unit:
        swap, search = (make_job(unit, mei, tool=tool).id for tool in ("faceswap", "faces"))
    assert [job["id"] for job in browser.get("/api/v1/jobs").json()["jobs"]] == [str(swap)]
    asked = browser.get("/api/v1/jobs?tool=faces").json()["jobs"]
    assert [job["id"] for job in asked] == [str(search)]


def save_face(browser: TestClient, data: bytes, name: str = "Ana") -> Response:
    files = {"image": ("ana.png", data, "image/png")}
    return browser.post("/api/v1/faces", data={"name": name}, files=files)


def test_saved_face_is_the_owners_alone_and_can_be_a_source(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    face = save_face(browser, png(5)).json()
    assert [one["name"] for one in browser.get("/api/v1/faces").json()] == ["Ana"]
    assert browser.get(f"/thumbnails/{face['sha256']}").status_code == 200
    browser.post("/api/v1/tools/faceswap/consent")
    answer = send(browser, "faceswap", ("image", png(1)), source=face["id"])
    assert ("source", "ana.png") in inputs_of(browser, answer)

    other = save_face(browser, png(6)).json()
    use_token(services, browser, make_person(services, "boss", Role.ADMIN))
    assert browser.get("/api/v1/faces").json() == []
    assert browser.delete(f"/api/v1/faces/{other['id']}").json() == {"deleted": False}
    assert browser.get(f"/thumbnails/{other['sha256']}").status_code == 404
    stolen = send(browser, "faceswap", ("image", png(1)), source=other["id"])
    assert (stolen.status_code, stolen.json()["code"]) == (404, "face.not_found")

    use_token(services, browser, mei)
    assert browser.delete(f"/api/v1/faces/{other['id']}").json() == {"deleted": True}
    assert [one["id"] for one in browser.get("/api/v1/faces").json()] == [face["id"]]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [(png(), "  ", "face.name_invalid"), (b"text", "Ana", "image.not_an_image")],
)
def test_save_face_refusals(
    browser: TestClient, mei: Actor, data: bytes, name: str, code: str
) -> None:
    assert save_face(browser, data, name).json()["code"] == code
    assert browser.get("/api/v1/faces").json() == []
