from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from httpx2 import Response
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.api.fair_threads import FairThreads, FairTurns
from app.people import accounts, throttle
from app.people.sessions import find_session
from app.web import account_pages
from app.web.account_pages import safe_target
from app.web.application import create_routes
from db.session import Database
from studio.settings import Settings
from studio.storage import open_store
from tasks.services import Services
from tests.people import PASSWORD, make_person

NEW = "four entirely other words"
OpenBrowser = Callable[[], TestClient]


def sign_in(
    browser: TestClient, name: str = "mei", password: str = PASSWORD, next: str = ""
) -> Response:
    form = {"name": name, "password": password, "next": next}
    return browser.post("/account/sign-in", data=form)


def change_password(
    browser: TestClient, current: str, new: str, repeat: str | None = None
) -> Response:
    form = {"current": current, "new": new, "repeat": new if repeat is None else repeat}
    return browser.post("/account/password", data=form)


def test_sign_in_right_password_sets_the_cookie_and_goes_on(
    services: Services, browser: TestClient
) -> None:
    make_person(services)
    answer = sign_in(browser, next="/run?id=7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/run?id=7")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert find_session(services, browser.cookies["studio"]) is not None


def test_sign_in_over_https_cookie_is_secure_and_bound_to_the_host(
    services: Services, open_browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    browser = open_browser()
    monkeypatch.setitem(services.settings.__dict__, "secure_cookies", True)
    cookie = sign_in(browser).headers["set-cookie"]
    assert cookie.startswith("__Host-studio=")
    assert "Secure" in cookie


def test_sign_in_wrong_password_shows_one_sentence_and_keeps_the_name(
    services: Services, browser: TestClient
) -> None:
    make_person(services)
    wrong_password = sign_in(browser, "mei", "nope")
    wrong_name = sign_in(browser, "mai", PASSWORD)
    assert wrong_password.status_code == wrong_name.status_code == 401
    assert "don’t match an account" in wrong_password.text
    assert wrong_password.text.replace("mei", "mai") == wrong_name.text
    assert 'value="mei"' in wrong_password.text
    assert "studio" not in browser.cookies


def test_sign_in_too_often_is_429_and_says_how_long(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_FIRST_WAIT_S", services.settings.sign_in_longest_wait_s)
    make_person(services)
    for _ in range(services.settings.sign_in_attempts):
        sign_in(browser, "mei", "nope")
    answer = sign_in(browser, "mei", PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= services.settings.sign_in_longest_wait_s + 1
    assert " seconds, then try again" in answer.text


def test_sign_in_where_too_many_wait_is_429_and_says_when_to_try_again(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    full = FairThreads(1, FairTurns(most_of_one=0, most_waiting_of_one=0))
    monkeypatch.setattr(account_pages, "password_threads", lambda: full)
    answer = sign_in(browser, next="/run?id=7")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Many people sign in from your address just now. Try again shortly." in answer.text
    assert 'value="mei"' in answer.text
    assert 'value="/run?id=7"' in answer.text


def test_change_password_where_too_many_wait_is_429_and_keeps_the_form(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    sign_in(browser)
    full = FairThreads(1, FairTurns(most_of_one=0, most_waiting_of_one=0))
    monkeypatch.setattr(account_pages, "known_password_threads", lambda: full)
    answer = change_password(browser, PASSWORD, NEW)
    assert answer.status_code == 429
    assert "You have too many requests open at the moment." in answer.text
    assert 'name="current"' in answer.text


def test_sign_in_of_a_known_browser_where_too_many_wait_is_429_and_speaks_of_its_person(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    sign_in(browser)
    full = FairThreads(1, FairTurns(most_of_one=0, most_waiting_of_one=0))
    monkeypatch.setattr(account_pages, "known_password_threads", lambda: full)
    answer = sign_in(browser)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "You have too many requests open at the moment." in answer.text


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(sign_in, id="sign-in"),
        pytest.param(lambda browser: change_password(browser, PASSWORD, NEW), id="password"),
    ],
)
def test_passwords_of_one_person_in_two_browsers_are_looked_at_in_one_turn(
    services: Services,
    open_browser: OpenBrowser,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[TestClient], Response],
) -> None:
    make_person(services)
    first, second = open_browser(), open_browser()
    sign_in(first)
    sign_in(second)
    meanwhile: list[int] = []

    def look(*_: object) -> bool:
        meanwhile.append(ask(second).status_code)
        return False

    threads = FairThreads(2, FairTurns(most_of_one=1, most_waiting_of_one=0))
    monkeypatch.setattr(account_pages, "known_password_threads", lambda: threads)
    monkeypatch.setattr("app.people.signing_in.verify_password", look)
    assert sign_in(first).status_code == 401
    assert meanwhile == [429]


def test_sign_in_of_a_known_browser_does_not_wait_for_guesses_from_its_address(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    sign_in(browser)
    full = FairThreads(1, FairTurns(most_of_one=0, most_waiting_of_one=0))
    monkeypatch.setattr(account_pages, "password_threads", lambda: full)
    assert change_password(browser, PASSWORD, NEW).status_code == 303
    browser.post("/account/sign-out")
    assert sign_in(browser, "mei", NEW).status_code == 303
    assert sign_in(browser, "somebody else", NEW).status_code == 429


def test_passwords_are_looked_at_two_at_a_time_and_hold_up_nothing_else(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    lock, may_end = Lock(), Event()
    looking: list[int] = []
    at_once: list[int] = []

    def look(*_: object) -> bool:
        with lock:
            looking.append(1)
            at_once.append(len(looking))
        assert may_end.wait(timeout=30)
        with lock:
            looking.pop()
        return False

    async def scene() -> tuple[list[httpx.Response], httpx.Response]:
        def client(number: int) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(browser.app, client=(f"192.0.2.{number}", 1))
            headers = {"Origin": "http://studio.test"}
            base_url = "http://studio.test"
            return httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers)

        async def guess(number: int) -> httpx.Response:
            async with client(number) as guessing:
                form = {"name": "mei", "password": "a guess"}
                return await guessing.post("/account/sign-in", data=form)

        guesses = [asyncio.create_task(guess(number)) for number in range(45)]
        while len(at_once) < 2:
            await asyncio.sleep(0.01)
        async with client(100) as other:
            health = await other.get("/healthz")
        may_end.set()
        return await asyncio.gather(*guesses), health

    monkeypatch.setattr("app.people.signing_in.verify_password", look)
    monkeypatch.setattr(throttle, "pause_s", lambda *_: 0.0)
    answers, health = asyncio.run(scene())
    assert health.status_code == 200
    assert {answer.status_code for answer in answers} == {401}
    assert max(at_once) == 2


def test_sign_in_from_a_browser_that_was_in_before_is_not_slowed_by_others(
    services: Services, open_browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_FIRST_WAIT_S", services.settings.sign_in_longest_wait_s)
    make_person(services)
    known, stranger = open_browser(), open_browser()
    sign_in(known)
    known.post("/account/sign-out")
    for _ in range(services.settings.sign_in_attempts):
        sign_in(stranger, "mei", "nope")
    assert sign_in(stranger).status_code == 429
    assert sign_in(known).status_code == 303


def test_sign_in_name_is_escaped(browser: TestClient) -> None:
    answer = sign_in(browser, '"><script>alert(1)</script>', "nope")
    assert "<script>alert" not in answer.text


def test_sign_in_page_when_signed_in_goes_on(services: Services, browser: TestClient) -> None:
    make_person(services)
    sign_in(browser)
    answer = browser.get("/account/sign-in?next=/history")
    assert (answer.status_code, answer.headers["location"]) == (303, "/history")


@pytest.mark.parametrize("path", ["/account/sign-in", "/account/sign-out", "/account/password"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://studio.test"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none", "Origin": ""},
    ],
)
def test_forms_of_other_sites_are_refused(
    services: Services, browser: TestClient, path: str, headers: dict[str, str]
) -> None:
    make_person(services)
    sign_in(browser)
    answer = browser.post(path, headers=headers, data={"name": "mei", "password": PASSWORD})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert find_session(services, browser.cookies["studio"]) is not None


def test_forms_through_a_proxy_with_another_host_are_ours(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    monkeypatch.setitem(services.settings.__dict__, "public_url", "https://photos.example.org/")
    form = {"name": "mei", "password": PASSWORD}
    headers = {"Origin": "https://photos.example.org"}
    assert browser.post("/account/sign-in", data=form, headers=headers).status_code == 303


def test_form_too_large_is_refused(browser: TestClient) -> None:
    assert sign_in(browser, "mei", "x" * 20_000).status_code == 413


def test_sign_out_ends_the_session_everywhere_it_is_open(
    services: Services, browser: TestClient, open_browser: OpenBrowser
) -> None:
    make_person(services)
    sign_in(browser)
    other_tab = open_browser()
    other_tab.cookies.set("studio", browser.cookies["studio"])
    assert other_tab.get("/account/password").status_code == 200
    answer = browser.post("/account/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/sign-in")
    assert "studio" not in browser.cookies
    assert other_tab.get("/account/password").status_code == 303


def test_sign_out_by_a_link_does_nothing(services: Services, browser: TestClient) -> None:
    make_person(services)
    sign_in(browser)
    assert browser.get("/account/sign-out").status_code in (404, 405)
    assert find_session(services, browser.cookies["studio"]) is not None


def test_password_page_asks_to_sign_in_first(browser: TestClient) -> None:
    answer = browser.get("/account/password")
    assert answer.headers["location"] == "/account/sign-in?next=/account/password"


def test_first_sign_in_leads_nowhere_but_to_a_new_password(
    services: Services, browser: TestClient
) -> None:
    account = accounts.create_user(services, "mei", accounts.Role.MEMBER)
    sign_in(browser, "mei", account.one_time_password)
    for page in ("/", "/history", "/run?id=7"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/password")
    assert browser.get("/api/v1/jobs").status_code == 401
    assert browser.get("/thumbnails/" + "0" * 64).status_code == 401
    assert "Choose your password" in browser.get("/account/password").text
    answer = change_password(browser, account.one_time_password, "my very own words")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/api/v1/jobs").status_code == 200


def test_change_password_ends_other_browsers(
    services: Services, browser: TestClient, open_browser: OpenBrowser
) -> None:
    make_person(services)
    other = open_browser()
    sign_in(browser)
    sign_in(other)
    change_password(browser, PASSWORD, "my very own words")
    assert browser.get("/account/password").status_code == 200
    assert other.get("/account/password").status_code == 303
    assert sign_in(other, "mei", PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "repeat", "message"),
    [
        ("wrong", "my very own words", None, "current password is not right"),
        (PASSWORD, "my very own words", "my very own wards", "two new passwords differ"),
        (PASSWORD, "short", None, "too short"),
        (PASSWORD, PASSWORD, None, "is the old one"),
    ],
)
def test_change_password_refusal_says_why(
    services: Services,
    browser: TestClient,
    current: str,
    new: str,
    repeat: str | None,
    message: str,
) -> None:
    make_person(services)
    sign_in(browser)
    answer = change_password(browser, current, new, repeat)
    assert answer.status_code == 422
    assert message in answer.text


def test_health_says_ok(browser: TestClient) -> None:
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_health_without_tables_is_503(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    blank = Services(
        settings,
        Database(settings.resolved_database_url),
        open_store(settings.resolved_storage_url),
    )
    answer = TestClient(Starlette(routes=create_routes(blank))).get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        (None, "/"),
        ("", "/"),
        ("/history?tool=cutout&text=a%20b", "/history?tool=cutout&text=a%20b"),
        ("https://evil.test/", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("\\\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("history", "/"),
        ("/account/sign-in", "/"),
        ("/account/sign-out", "/"),
        ("/account/password", "/account/password"),
    ],
)
def test_safe_target_stays_inside(wanted: str | None, target: str) -> None:
    assert safe_target(wanted) == target


@given(st.text(alphabet="/\\:@?#.\t\n\r ae%2F", max_size=12))
@example("/%2Fevil")
def test_safe_target_resolves_to_our_host_whatever_it_is_given(wanted: str) -> None:
    target = safe_target(wanted)
    assert urlsplit(urljoin("https://studio.test/account/sign-in", target)).netloc == "studio.test"
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\"))
