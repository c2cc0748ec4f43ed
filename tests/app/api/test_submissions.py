from __future__ import annotations

import json
from uuid import UUID

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.people.tool_switches import switch
from db.actor import Actor
from db.models import Blob
from db.repositories.audit import AuditRepository
from db.repositories.jobs import JobRepository
from db.states import JobState
from db.types import Role, Visibility
from studio.imaging.drawing import Drawing
from tasks.services import Services
from tests.app.api.calls import inputs_of, save_face, send, submit, use_token
from tests.people import HERE, make_person
from tests.pictures import png


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


def test_submit_overrides_are_taken_picture_by_picture(browser: TestClient, mei: Actor) -> None:
    overrides = json.dumps([{"scale": 4}, None])
    answer = submit(browser, png(1), png(2), params='{"scale": 3}', overrides=overrides)
    jobs = [browser.get(f"/api/v1/jobs/{job_id}").json() for job_id in answer.json()["job_ids"]]
    assert [job["params"]["scale"] for job in jobs] == [4, 3]


def test_submit_shares_a_background_with_every_picture(browser: TestClient, mei: Actor) -> None:
    files = [
        ("image", ("a.png", png(1), "image/png")),
        ("image", ("b.png", png(2), "image/png")),
        ("background", ("beach.png", png(3), "image/png")),
    ]
    params = json.dumps({"output": "picture"})
    answer = browser.post("/api/v1/jobs", data={"tool": "cutout", "params": params}, files=files)
    jobs = [browser.get(f"/api/v1/jobs/{job_id}").json() for job_id in answer.json()["job_ids"]]
    read = [{file["role"]: file["file_name"] for file in job["inputs"]} for job in jobs]
    assert read == [{"image": name, "background": "beach.png"} for name in ("a.png", "b.png")]


@pytest.mark.parametrize(
    ("fields", "pictures", "status", "code"),
    [
        ({"tool": "cartoonise"}, [png()], 404, "tool.unknown"),
        ({"params": '{"scale": 7}'}, [png()], 422, "params.invalid"),
        ({"params": '{"sclae": 2}'}, [png()], 422, "params.invalid"),
        ({"params": "[]"}, [png()], 422, "params.invalid"),
        ({"params": "not json"}, [png()], 422, "params.invalid"),
        ({"overrides": "[{}]"}, [png(1), png(2)], 422, "params.invalid"),
        ({"overrides": '[{"sclae": 2}]'}, [png()], 422, "params.invalid"),
        ({"overrides": "[3]"}, [png()], 422, "params.invalid"),
        ({"overrides": "{}"}, [png()], 422, "params.invalid"),
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


def test_submit_by_a_viewer_is_forbidden_before_files_are_read(
    services: Services, browser: TestClient
) -> None:
    use_token(services, browser, make_person(services, "vi", Role.VIEWER))
    for answer in (submit(browser, png()), submit(browser, b"no picture"), save_face(browser, b"")):
        assert (answer.status_code, answer.json()["code"]) == (403, "permission.may_not_run")
    assert stored_blobs(services) == 0


def test_submit_that_is_refused_anyway_stores_no_file(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    switch(services, make_person(services, "boss", Role.ADMIN), "upscale", HERE, is_on=False)
    assert submit(browser, b"no picture").json()["code"] == "tool.switched_off"
    answer = send(browser, "faceswap", ("image", png(1)))
    assert answer.json()["code"] == "consent.missing"
    assert stored_blobs(services) == 0


def stored_blobs(services: Services) -> int:
    with services.database.read() as unit:
        return unit.scalar(select(func.count()).select_from(Blob)) or 0


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
