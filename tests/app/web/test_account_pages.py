from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.people import accounts
from app.people.sessions import find_session
from app.web.account_pages import safe_target
from app.web.application import create_routes
from db.session import Database
from studio.settings import Settings
from studio.storage import open_store
from tasks.services import Services
from tests.app.conftest import OpenBrowser
from tests.app.web.signing_in import change_password, sign_in
from tests.people import PASSWORD, make_person


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


def test_sign_in_over_another_session_ends_that(services: Services, browser: TestClient) -> None:
    for name in ("mei", "tom"):
        make_person(services, name)
    sign_in(browser, "mei")
    replaced = browser.cookies["studio"]
    assert sign_in(browser, "tom", "nope").status_code == 401
    assert find_session(services, replaced) is not None
    sign_in(browser, "tom")
    assert find_session(services, replaced) is None
    found = find_session(services, browser.cookies["studio"])
    assert found is not None
    assert found.actor.name == "tom"


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
