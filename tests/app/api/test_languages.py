"""What REST says follows what the client asks for; nothing it says goes past the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.people.accounts import choose_language
from db.actor import Actor
from db.states import JobState
from studio.words import msg
from tasks.services import Services
from tests.app.api.calls import use_token
from tests.factories import make_job
from tests.people import HERE, PASSWORD, make_person
from tests.pictures import png
from tests.pseudo import PSEUDO, forget, teach, unbracketed

ASKS = {"Accept-Language": f"{PSEUDO}, en;q=0.5"}
PICTURE = {"image": ("a.png", png(1), "image/png")}


@pytest.fixture(autouse=True)
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    teach(tmp_path / "locales", monkeypatch)
    yield
    forget()


@pytest.fixture
def mei(services: Services, browser: TestClient) -> Actor:
    """A member, whose API token the browser sends."""
    actor = make_person(services)
    use_token(services, browser, actor)
    return actor


@pytest.mark.usefixtures("mei")
@pytest.mark.parametrize(
    ("method", "path", "fields", "files"),
    [
        ("GET", "/nowhere", {}, {}),
        ("DELETE", "/tools", {}, {}),
        ("GET", "/jobs/00000000-0000-0000-0000-000000000000", {}, {}),
        ("GET", "/jobs?colour=red", {}, {}),
        ("GET", "/jobs?after=nothing", {}, {}),
        ("GET", "/jobs?limit=0", {}, {}),
        ("GET", "/jobs?limit=many", {}, {}),
        ("GET", "/jobs?state=asleep", {}, {}),
        ("GET", f"/jobs?tool={'t' * 40}", {}, {}),
        ("GET", "/jobs/7", {}, {}),
        ("POST", "/jobs", {}, {}),
        ("POST", "/jobs", {"tool": "nothing"}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale"}, {}),
        ("POST", "/jobs", {"tool": "upscale", "params": "[]"}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale", "params": '{"scale": "x"}'}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale", "params": '{"quality": 101}'}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale", "params": '{"format": "gif"}'}, PICTURE),
        ("POST", "/jobs", {"tool": "cutout", "params": '{"colour": "red"}'}, PICTURE),
        ("POST", "/jobs", {"tool": "cutout", "params": '{"background": 1}'}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale", "colour": "red"}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale", "image": "job:x"}, {}),
        ("POST", "/jobs", {"tool": "upscale", "visibility": "mine"}, PICTURE),
        ("POST", "/jobs", {"tool": "upscale"}, {"image": ("a.png", b"", "image/png")}),
        ("POST", "/jobs", {"tool": "upscale"}, {"image": ("a.pdf", b"%PDF-1.7", "image/png")}),
        ("POST", "/jobs", {"tool": "upscale", "batch_name": "n" * 300}, PICTURE),
    ],
)
def test_refusals_are_said_in_the_language_asked_for(
    browser: TestClient,
    method: str,
    path: str,
    fields: dict[str, str],
    files: dict[str, tuple[str, bytes, str]],
) -> None:
    answer = browser.request(
        method, f"/api/v1{path}", data=fields, files=files or None, headers=ASKS
    )

    assert answer.status_code >= 400
    assert answer.status_code != 401
    assert not unbracketed(answer.json()["message"]), answer.json()


def test_tools_are_described_in_the_language_asked_for(browser: TestClient, mei: Actor) -> None:
    tools = browser.get("/api/v1/tools", headers=ASKS).json()
    consent = browser.get("/api/v1/tools/faceswap/consent", headers=ASKS).json()

    words = [consent["statement"], *words_of(tools)]
    assert len(words) > 150
    assert not [text for text in words if unbracketed(text)]


def words_of(told: Any) -> Iterator[str]:
    """Whatever in ``told``, however deep, is for people."""
    if isinstance(told, list):
        for each in told:
            yield from words_of(each)
    elif isinstance(told, dict):
        keys = ("title", "description", "help", "summary", "consent")
        yield from (told[key] for key in keys if isinstance(told.get(key), str))
        for each in told.values():
            yield from words_of(each)


def test_why_a_run_failed_is_said_to_each_reader_in_their_language(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    message = msg("The disk is full. An admin must free some space on it.")
    with services.database.write() as unit:
        job = make_job(unit, mei, state=JobState.FAILED, error_message=message)

    asked = browser.get(f"/api/v1/jobs/{job.id}", headers=ASKS).json()["error"]["message"]
    plain = browser.get(f"/api/v1/jobs/{job.id}").json()["error"]["message"]

    assert (asked, plain) == (f"⟦{message}⟧", str(message))


@pytest.mark.parametrize(("locale", "is_asked_for"), [(PSEUDO, False), ("en", True)])
def test_language_that_the_person_chose_outweighs_what_is_asked_for(
    services: Services, browser: TestClient, mei: Actor, locale: str, is_asked_for: bool
) -> None:
    choose_language(services, mei, locale, HERE)
    headers = ASKS if is_asked_for else {}

    answer = browser.get("/api/v1/jobs?colour=red", headers=headers).json()["message"]

    assert answer.startswith("⟦") == (locale == PSEUDO)


def test_own_pages_speak_as_the_person_chose_once_they_are_known(
    services: Services, browser: TestClient
) -> None:
    choose_language(services, make_person(services), PSEUDO, HERE)
    stranger = browser.get("/account/sign-in").text
    browser.post("/account/sign-in", data={"name": "mei", "password": PASSWORD})

    known = browser.get("/account/password").text

    assert ('<html lang="en">' in stranger, "⟦" in stranger) == (True, False)
    assert ('<html lang="eo">' in known, "⟦" in known) == (True, True)
