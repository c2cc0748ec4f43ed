from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event, Lock

import httpx
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.api.fair_threads import FairThreads, FairTurns
from app.people import throttle
from app.web import account_pages
from tasks.services import Services
from tests.app.conftest import OpenBrowser
from tests.app.web.signing_in import change_password, sign_in
from tests.people import PASSWORD, make_person

NEW = "four entirely other words"


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


def take_all_turns(patch: pytest.MonkeyPatch, threads: str) -> None:
    """Whoever comes next to ``threads``, one of the pools of ``account_pages``, is one too many."""
    full = FairThreads(1, FairTurns(most_of_one=0, most_waiting_of_one=0))
    patch.setattr(account_pages, threads, lambda: full)


def test_sign_in_where_too_many_wait_is_429_and_says_when_to_try_again(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    take_all_turns(monkeypatch, "password_threads")
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
    take_all_turns(monkeypatch, "known_password_threads")
    answer = change_password(browser, PASSWORD, NEW)
    assert answer.status_code == 429
    assert "You have too many requests open at the moment." in answer.text
    assert 'name="current"' in answer.text


def test_sign_in_of_a_known_browser_where_too_many_wait_is_429_and_speaks_of_its_person(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person(services)
    sign_in(browser)
    take_all_turns(monkeypatch, "known_password_threads")
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
    take_all_turns(monkeypatch, "password_threads")
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
