from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from app.sessions import open_session
from tasks.services import Services
from tests.people import HERE, make_person

ON_EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path",
    ["/", "/account/sign-in", "/healthz", "/api/v1/tools", "/files/nope", "/_stcore/metrics"],
)
def test_headers_are_on_every_answer(browser: TestClient, path: str) -> None:
    headers = browser.get(path).headers
    assert {name: headers.get(name) for name in ON_EVERY_ANSWER} == ON_EVERY_ANSWER
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]


def test_headers_of_the_sign_in_page_allow_no_inline_script(browser: TestClient) -> None:
    answer = browser.get("/account/sign-in")
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("page", "location"),
    [
        ("/", "/account/sign-in"),
        ("/history", "/account/sign-in?next=%2Fhistory"),
        ("/run?id=7&x=a%26b", "/account/sign-in?next=%2Frun%3Fid%3D7%26x%3Da%2526b"),
    ],
)
def test_gate_sends_strangers_to_sign_in_and_remembers_the_page(
    browser: TestClient, page: str, location: str
) -> None:
    answer = browser.get(page)
    assert (answer.status_code, answer.headers["location"]) == (303, location)


@pytest.mark.parametrize("path", ["/media/abc.png", "/_stcore/upload_file/a/b", "/component/x"])
def test_gate_refuses_strangers_what_streamlit_keeps_for_people(
    browser: TestClient, path: str
) -> None:
    assert browser.get(path).status_code == 401
    assert browser.put(path).status_code == 401


@pytest.mark.parametrize("path", ["/account/nope", "/files/x/y", "/pictures/x", "/batches/x"])
def test_gate_unknown_addresses_under_ours_are_404_for_everybody(
    browser: TestClient, path: str
) -> None:
    assert browser.get(path).status_code == 404


def test_gate_lets_signed_in_people_through(services: Services, browser: TestClient) -> None:
    token = open_session(services, make_person(services).id, HERE)
    browser.cookies.set("studio", token)
    # Without Streamlit there is no page behind the gate, so 404 is "let through".
    assert browser.get("/history").status_code == 404
    assert browser.get("/media/abc.png").status_code == 404


def test_gate_hides_the_metrics_from_everybody(services: Services, browser: TestClient) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    answer = browser.get("/_stcore/metrics")
    assert (answer.status_code, answer.text) == (404, "Not found.")
