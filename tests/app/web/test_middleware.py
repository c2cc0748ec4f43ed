from __future__ import annotations

from typing import Never
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.people.sessions import end_session
from app.web.application import create_middleware
from app.web.middleware import SecurityHeaders
from db.types import Role
from tasks.services import Services
from tests.people import HERE, make_person, open_session

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


def test_headers_have_no_page_kept_whatever_its_own_say() -> None:
    kept = {"cache-control": "no-cache"}
    page, file = HTMLResponse("page", headers=kept), PlainTextResponse("file", headers=kept)
    for answer, wanted in ((page, "no-store"), (file, "no-cache")):
        browser = TestClient(SecurityHeaders(answer, is_https=False))
        assert browser.get("/").headers["cache-control"] == wanted


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


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/history", 303),
        ("/media/abc.png", 401),
        ("/api/v1/jobs", 401),
        ("/api/docs", 303),
        (f"/files/{UUID(int=0)}/x.png", 401),
        (f"/exports/{UUID(int=0)}/webp/80/x.webp", 401),
        (f"/pictures/{UUID(int=0)}", 401),
        (f"/batches/{UUID(int=0)}/results.zip", 401),
        (f"/thumbnails/{'0' * 64}", 401),
    ],
)
def test_doors_with_a_one_time_password_in_force_are_shut(
    services: Services, browser: TestClient, path: str, status: int
) -> None:
    fresh = make_person(services, "fresh", Role.ADMIN, must_change_password=True)
    browser.cookies.set("studio", open_session(services, fresh.id, HERE))
    answer = browser.get(path)
    assert answer.status_code == status
    assert answer.headers.get("location", "/account/password") == "/account/password"


def test_gate_lets_signed_in_people_through(services: Services, browser: TestClient) -> None:
    token = open_session(services, make_person(services).id, HERE)
    browser.cookies.set("studio", token)
    assert browser.get("/history").status_code == 200
    # Without Streamlit there is nothing else behind the gate, so 404 is "let through".
    assert browser.get("/media/abc.png").status_code == 404


def test_gate_hides_the_metrics_from_everybody(services: Services, browser: TestClient) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    answer = browser.get("/_stcore/metrics")
    assert (answer.status_code, answer.json()["code"]) == (404, "request.unknown_address")


@pytest.mark.parametrize("path", ["/", "/account/password", "/api/v1/jobs"])
def test_database_away_is_told_with_a_sentence_on_every_door(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))

    def cut(*_: object, **__: object) -> Never:
        raise OperationalError("SELECT", None, psycopg.OperationalError("server closed it"))

    monkeypatch.setattr(Session, "execute", cut)
    monkeypatch.setattr(Session, "scalar", cut)
    monkeypatch.setattr(Session, "scalars", cut)
    monkeypatch.setattr(Session, "get", cut)
    answer = browser.get(path)
    assert answer.status_code == 503
    assert "database cannot be reached" in answer.text
    assert answer.headers["retry-after"]
    assert answer.json()["code"] == "database.away"


OURS = "http://studio.test"


@pytest.fixture
def socket_app(services: Services) -> Starlette:
    """The gate before a socket that takes whatever comes."""

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.client.host if socket.client else "")
        await socket.close()

    return Starlette(
        routes=[WebSocketRoute("/_stcore/stream", stream)], middleware=create_middleware(services)
    )


def is_accepted(app: Starlette, origin: str | None, token: str = "") -> bool:
    headers = {"Origin": origin} if origin else {}
    browser = TestClient(app, base_url=OURS, headers=headers, cookies={"studio": token})
    try:
        with browser.websocket_connect("ws://studio.test/_stcore/stream") as socket:
            socket.receive_text()
    except WebSocketDisconnect:
        return False
    return True


@pytest.mark.parametrize(
    "origin",
    [
        "http://studio.test:9999",
        "http://evil.example",
        "http://localhost",
        "null",
        "http://[bad]",
        None,
    ],
)
def test_gate_socket_of_other_origins_is_refused(
    services: Services, socket_app: Starlette, origin: str | None
) -> None:
    token = open_session(services, make_person(services).id, HERE)
    assert not is_accepted(socket_app, origin, token)
    assert is_accepted(socket_app, OURS, token)


def test_gate_socket_without_a_session_is_refused(
    services: Services, socket_app: Starlette
) -> None:
    mei = make_person(services)
    fresh = make_person(services, "fresh", must_change_password=True)
    token = open_session(services, mei.id, HERE)
    end_session(services, token, HERE)
    assert not is_accepted(socket_app, OURS)
    assert not is_accepted(socket_app, OURS, token)
    assert not is_accepted(socket_app, OURS, open_session(services, fresh.id, HERE))


@pytest.mark.parametrize("origin", ["http://[bad]", "//[", "http://studio.test:x]"])
def test_origin_that_is_no_address_is_foreign(browser: TestClient, origin: str) -> None:
    answer = browser.post("/account/sign-in", data={"name": "x"}, headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/nope", "/history/nope", "/files/nope", "/auth/nope"])
def test_unknown_address_has_a_page_of_ours_with_a_way_home(
    browser: TestClient, services: Services, path: str
) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    answer = browser.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.text
    assert 'href="/"' in answer.text
    assert "Streamlit" not in answer.text
