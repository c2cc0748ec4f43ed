from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from db.actor import Actor
from tasks.services import Services
from tests.app.api.calls import submit
from tests.pictures import png


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


def test_submit_bytes_are_counted_whatever_the_request_announces(
    services: Services, browser: TestClient, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.settings.__dict__, "max_upload_bytes", 1000)
    monkeypatch.setattr("app.api.endpoints._FORM_OVERHEAD_BYTES", 1000)

    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="tool"\r\n\r\n'
        for _ in range(1_000):
            yield b"y" * 1000

    headers = {"Content-Length": "5", "Content-Type": "multipart/form-data; boundary=x"}
    answer = browser.post("/api/v1/jobs", headers=headers, content=body())
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_submit_file_over_the_limit_names_it(
    services: Services, browser: TestClient, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(services.settings.__dict__, "max_upload_bytes", 100)
    answer = submit(browser, png())
    assert answer.json()["message"].startswith("0.png: The file has more than the limit")


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data"])
def test_submit_of_what_is_no_form_is_refused_with_a_code(
    browser: TestClient, mei: Actor, content_type: str
) -> None:
    answer = browser.post("/api/v1/jobs", headers={"Content-Type": content_type}, content=b"x")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
