from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.people.sessions import create_api_token
from db.session import Database
from studio.text import FILE_NAME_BYTES
from tasks.services import Services
from tests.people import HERE, make_person
from tests.pictures import png

DEEP = "[" * 1000 + "]" * 1000


@pytest.fixture
def script(services: Services, browser: TestClient) -> TestClient:
    token = create_api_token(services, make_person(services), "tests", HERE)
    browser.headers["Authorization"] = f"Bearer {token}"
    return browser


def picture(name: str = "a.png", data: bytes | None = None) -> tuple[str, Any]:
    return "image", (name, png() if data is None else data, "image/png")


def refusal(answer: Any) -> tuple[int, str]:
    assert answer.json().keys() == {"code", "message"}
    assert len(answer.json()["message"]) < 600
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"visibilty": "private"}, "request.invalid"),
        ({"mask": "x"}, "request.invalid"),
        ({"params": json.dumps({"restore_model": "\ud800"})}, "params.invalid"),
        ({"params": json.dumps({"model": "m" * 900_000})}, "params.invalid"),
        ({"params": f'{{"scale": {DEEP}}}'}, "params.invalid"),
        ({"params": "[" * 100_000}, "params.invalid"),
        ({"params": '{"target_width_px": ' + "9" * 5000 + "}"}, "params.invalid"),
        ({"batch_name": "n" * 201}, "text.invalid"),
        ({"batch_name": "a\0b"}, "text.invalid"),
        ({"visibility": "s" * 1000}, "request.invalid"),
        ({"tool": ["upscale", "cutout"]}, "request.invalid"),
        ({"tool": ""}, "request.invalid"),
    ],
)
def test_submit_with_a_field_that_cannot_be_used_queues_nothing(
    script: TestClient, fields: dict[str, Any], code: str
) -> None:
    answer = script.post("/api/v1/jobs", data={"tool": "upscale", **fields}, files=[picture()])
    assert refusal(answer) == (422, code)
    assert script.get("/api/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize("name", ["image", "tool"])
def test_submit_with_a_file_for_a_text_or_a_text_for_a_file_is_refused(
    script: TestClient, name: str
) -> None:
    files = [("tool", ("t", b"upscale"))] if name == "tool" else [("image", (None, "hello"))]
    answer = script.post("/api/v1/jobs", data={"params": "{}", "tool": "upscale"}, files=files)
    assert refusal(answer) == (422, "request.invalid")


def test_submit_with_two_bad_files_names_both(script: TestClient) -> None:
    files = [picture("good.png"), picture("one.png", b"x"), picture("two.png", b"y")]
    answer = script.post("/api/v1/jobs", data={"tool": "upscale"}, files=files)
    assert refusal(answer) == (422, "submit.files_refused")
    assert "one.png: " in answer.json()["message"]
    assert "two.png: " in answer.json()["message"]


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("multipart/form-data; boundary=b; charset=utf-7", b"--b--", "request.invalid"),
        ("multipart/form-data; boundary=b; charset=idna", b"--b--", "request.invalid"),
        ("multipart/form-data; boundary=b; charset=none-such", b"--b--", "request.invalid"),
        ("multipart/form-data", b"x", "request.invalid"),
        ("application/json", b"{}", "request.invalid"),
        ("text/plain", b"x", "request.invalid"),
        ("multipart/form-data; boundary=b", b"garbage", "request.invalid"),
    ],
)
def test_form_in_another_encoding_is_refused_before_it_is_read(
    script: TestClient, content_type: str, body: bytes, code: str
) -> None:
    answer = script.post("/api/v1/jobs", headers={"Content-Type": content_type}, content=body)
    assert refusal(answer) == (422, code)


@pytest.mark.parametrize(
    "query", ["unknown=1", "Limit=3", "limit=1&limit=2", "text=" + "a" * 201, "tool=" + "t" * 40]
)
def test_query_parameter_that_is_not_known_is_refused(script: TestClient, query: str) -> None:
    assert refusal(script.get(f"/api/v1/jobs?{query}")) == (422, "request.invalid")
    assert refusal(script.get("/api/v1/tools?x=1")) == (422, "request.invalid")


@pytest.mark.parametrize("query", ["text=%00", "text=%FF", "tool=%00", "text=%ED%A0%80", "text=_"])
def test_search_for_what_cannot_be_stored_finds_nothing(script: TestClient, query: str) -> None:
    assert script.get(f"/api/v1/jobs?{query}").json()["jobs"] == []


def test_fault_of_the_studio_has_a_number_that_is_in_the_log(
    script: TestClient,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Database) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.api.endpoints.switched_off", fail)
    quiet = TestClient(
        script.app,
        base_url="http://studio.test",
        headers=script.headers,
        raise_server_exceptions=False,
    )
    answer = quiet.get("/api/v1/tools")
    assert refusal(answer) == (500, "internal")
    number = answer.json()["message"].split("number ")[1].split(":")[0]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert logged == [f"fault {number}"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a/b%2Fc.png", "b%2Fc.png"),
        ("photo\u202egnp.exe.png", "photognp.exe.png"),
        ("--output=x.png", "--output=x.png"),
        ("a#b?c.png", "a#bc.png"),
        ("[click](http://evil.example) $x$.png", "evil.example) $x$.png"),
        ("L" * 4000 + ".png", "L" * (FILE_NAME_BYTES - 4) + ".png"),
        ("..", "picture"),
    ],
)
def test_file_names_are_cleaned_so_that_their_addresses_work(
    script: TestClient, sent: str, kept: str
) -> None:
    body = (
        b"--b\r\nContent-Disposition: form-data; name=tool\r\n\r\nupscale\r\n"
        b'--b\r\nContent-Disposition: form-data; name=image; filename="'
        + sent.encode()
        + b'"\r\n\r\n'
        + png()
        + b"\r\n--b--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    [job_id] = script.post("/api/v1/jobs", headers=headers, content=body).json()["job_ids"]
    [file] = script.get(f"/api/v1/jobs/{job_id}").json()["inputs"]
    assert file["file_name"] == kept
    assert script.get(file["url"]).content == png()
