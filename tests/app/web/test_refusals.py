"""Whatever a browser asks for and does not get, it is told why, with a code."""

from __future__ import annotations

from typing import Never
from uuid import UUID

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from app.web import downloads
from app.web.refusals import PlainAnswers
from tasks.services import Services
from tests.people import HERE, make_person, open_session

SOMEBODYS = UUID(int=7)
SIGNED_OUT = [
    ("GET", f"/files/{SOMEBODYS}/cat.png", 401, "request.not_signed_in"),
    ("GET", f"/pictures/{SOMEBODYS}", 401, "request.not_signed_in"),
    ("GET", f"/batches/{SOMEBODYS}/results.zip", 401, "request.not_signed_in"),
    ("GET", "/thumbnails/00", 401, "request.not_signed_in"),
    ("PUT", "/weight-files/net.onnx", 401, "request.not_signed_in"),
    ("GET", "/media/picture.png", 401, "request.not_signed_in"),
    ("PUT", "/_stcore/upload_file/session/file", 401, "request.not_signed_in"),
    ("GET", "/account/session", 401, "request.not_signed_in"),
    ("GET", "/account/nothing", 404, "request.unknown_address"),
]
SIGNED_IN = [
    ("GET", f"/files/{SOMEBODYS}/cat.png", 404, "file.not_found"),
    ("GET", f"/pictures/{SOMEBODYS}", 404, "file.not_found"),
    ("GET", f"/batches/{SOMEBODYS}/results.zip", 404, "file.not_found"),
    ("GET", "/thumbnails/00", 404, "file.not_found"),
    ("GET", "/files/nothing", 404, "request.unknown_address"),
    ("GET", "/_stcore/metrics", 404, "request.unknown_address"),
    ("POST", "/thumbnails/00", 405, "request.unknown_method"),
    ("PUT", "/weight-files/net.onnx", 403, "permission.not_admin"),
    ("POST", "/account/password", 413, "request.too_large"),
]


def refusal(browser: TestClient, method: str, path: str) -> tuple[int, str]:
    answer = browser.request(method, path, content=b"x" * 20_000 if method == "POST" else None)
    assert answer.json().keys() == {"code", "message"}
    assert answer.json()["message"].endswith(".")
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(("method", "path", "status", "code"), SIGNED_OUT)
def test_refusal_of_a_stranger_has_a_code_and_a_sentence(
    browser: TestClient, method: str, path: str, status: int, code: str
) -> None:
    assert refusal(browser, method, path) == (status, code)


def test_refusal_of_a_stranger_in_a_browser_names_no_token(browser: TestClient) -> None:
    answers = [
        browser.request(method, path) for method, path, status, _ in SIGNED_OUT if status == 401
    ]
    assert {answer.json()["message"] for answer in answers} == {"Sign in first."}


@pytest.mark.parametrize(("method", "path", "status", "code"), SIGNED_IN)
def test_refusal_of_a_member_has_a_code_and_a_sentence(
    services: Services, browser: TestClient, method: str, path: str, status: int, code: str
) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    assert refusal(browser, method, path) == (status, code)


def test_refusal_of_a_page_of_another_site_has_a_code(browser: TestClient) -> None:
    answer = browser.post("/account/sign-in", headers={"Origin": "http://else.test"})
    assert (answer.status_code, answer.json()["code"]) == (403, "request.not_our_origin")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "request.unreadable"),
        (401, "request.not_signed_in"),
        (403, "request.not_our_origin"),
    ],
)
def test_refusal_of_a_framework_in_plain_text_is_told_in_our_shape(status: int, code: str) -> None:
    browser = TestClient(PlainAnswers(PlainTextResponse("No", status)))
    assert refusal(browser, "GET", "/") == (status, code)


def test_refusal_of_who_reads_pages_is_a_page(browser: TestClient) -> None:
    answer = browser.get(f"/files/{SOMEBODYS}/x", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "request.not_signed_in" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_fault_of_ours_is_told_with_a_number_that_is_in_the_log(
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    browser: TestClient,
) -> None:
    def fail(*_: object) -> Never:
        raise LookupError("a secret of the code")

    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    monkeypatch.setattr(downloads, "batch_results", fail)
    quiet = TestClient(browser.app, base_url="http://studio.test", raise_server_exceptions=False)
    quiet.cookies = browser.cookies

    answer = quiet.get(f"/batches/{SOMEBODYS}/results.zip")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    number = answer.json()["message"].split("number ")[1].split(":")[0]
    assert number in caplog.text
