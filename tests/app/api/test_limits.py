from __future__ import annotations

from collections.abc import Iterator
from errno import ENOSPC

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


@pytest.mark.parametrize("files", [None, {"image": ("0.png", b"x")}])
def test_submit_texts_that_would_fill_the_memory_are_413(
    browser: TestClient, mei: Actor, files: dict[str, tuple[str, bytes]] | None
) -> None:
    texts = {name: name[0] * 900_000 for name in ("params", "overrides", "batch_name")}
    answer = browser.post("/api/v1/jobs", data={"tool": "upscale", **texts}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


@pytest.mark.parametrize("files", [None, {"image": ("0.png", b"x")}])
def test_submit_more_texts_than_files_may_be_named_by_is_refused_in_our_words(
    browser: TestClient, mei: Actor, files: dict[str, tuple[str, bytes]] | None
) -> None:
    names = [f"job:{number}" for number in range(30)]
    answer = browser.post("/api/v1/jobs", data={"tool": "upscale", "image": names}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
    assert answer.json()["message"] == "This form has more than 25 texts. Send fewer."


def test_submit_as_many_names_as_files_fit_a_run_is_read(browser: TestClient, mei: Actor) -> None:
    texts = {"image": [f"job:{number}" for number in range(19)], "params": "{}"}
    answer = browser.post("/api/v1/jobs", data={"tool": "upscale", **texts})
    assert answer.json()["code"] == "submit.files_refused"


def test_submit_more_files_than_fit_a_run_is_refused_in_our_words(
    browser: TestClient, mei: Actor
) -> None:
    answer = submit(browser, *[b"x"] * 20)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
    assert answer.json()["message"] == "This form has more than 19 files. Send fewer."


def test_submit_on_a_full_disk_is_507(
    browser: TestClient, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OSError(ENOSPC, "no room")

    monkeypatch.setattr("starlette.formparsers.UploadFile.write", fail)
    answer = submit(browser, png())
    assert (answer.status_code, answer.json()["code"]) == (507, "storage.full")
