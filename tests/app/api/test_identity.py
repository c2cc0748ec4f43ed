from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from app.people.sessions import create_api_token
from db.types import Role, Scope
from tasks.services import Services
from tests.app.api.calls import submit, use_token
from tests.people import HERE, make_person, open_session
from tests.pictures import png


def test_token_that_reads_changes_nothing(services: Services, browser: TestClient) -> None:
    boss = make_person(services, "boss", Role.ADMIN)
    use_token(services, browser, boss)
    [job_id] = submit(browser, png()).json()["job_ids"]
    token = create_api_token(services, boss, "read", HERE, scope=Scope.READ)
    browser.headers["Authorization"] = f"Bearer {token}"
    assert browser.get(f"/api/v1/jobs/{job_id}").status_code == 200
    for path in ("cancel", "rerun"):
        answer = browser.post(f"/api/v1/jobs/{job_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "permission.may_not_run")
    assert browser.post("/api/v1/tools/faceswap/consent").status_code == 403
    assert browser.delete(f"/api/v1/faces/{job_id}").status_code == 403


def test_strangers_are_refused(browser: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
        answer = browser.get("/api/v1/jobs", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "request.not_signed_in")
        assert "send a token" in answer.json()["message"]


@pytest.mark.slow
def test_cookie_changes_things_only_from_our_own_pages(
    services: Services, browser: TestClient
) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    assert submit(browser, png()).status_code == 202
    browser.headers["Origin"] = "https://evil.test"
    assert browser.get("/api/v1/jobs").status_code == 200
    answer = submit(browser, png())
    assert (answer.status_code, answer.json()["code"]) == (403, "request.not_our_origin")
