from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from db.actor import Actor
from tasks.services import Services
from tests.app.api.calls import submit
from tests.factories import make_job
from tests.pictures import png

OLD = {"tool": "upscale", "model": "interpolation", "restore_faces": "codeformer"}


def test_job_of_an_older_release_is_shown_by_todays_names(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    with services.database.write() as session:
        job_id = make_job(session, mei, tool="upscale", params=OLD).id
    shown = browser.get(f"/api/v1/jobs/{job_id}").json()
    assert (shown["params"]["restore_model"], shown["params_version"]) == ("codeformer", 2)
    assert shown["params_error"] is None


@pytest.mark.parametrize(
    ("columns", "code"),
    [({"tool": "gone"}, "tool.unknown"), ({"params_version": 99}, "params.newer")],
)
def test_job_whose_parameters_cannot_be_read_is_shown_as_kept(
    services: Services, browser: TestClient, mei: Actor, columns: dict[str, Any], code: str
) -> None:
    with services.database.write() as session:
        job_id = make_job(session, mei, params={"halo": 3}, **columns).id
    shown = browser.get(f"/api/v1/jobs/{job_id}").json()
    assert shown["params"] == {"halo": 3}
    assert (shown["params_error"]["code"], shown["error"]) == (code, None)
    assert [job["id"] for job in browser.get("/api/v1/jobs").json()["jobs"]] == [str(job_id)]


def test_submit_recipe_of_an_older_release_is_understood_by_its_version(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    answer = submit(browser, png(), params=json.dumps(OLD), params_version="1")
    [job_id] = answer.json()["job_ids"]
    params = browser.get(f"/api/v1/jobs/{job_id}").json()["params"]
    assert params["restore_model"] == "codeformer"


@pytest.mark.parametrize(
    ("version", "code"),
    [("2", "params.damaged"), ("99", "params.newer"), ("0", "params.damaged")]
    + [(text, "params.invalid") for text in ("x", "-1", "1.0", "\u0663", "9" * 5000)],
)
def test_submit_of_a_version_that_does_not_fit_is_refused(
    browser: TestClient, mei: Actor, version: str, code: str
) -> None:
    answer = submit(browser, png(), params=json.dumps(OLD), params_version=version)
    assert answer.status_code < 500
    assert answer.json()["code"] == code
