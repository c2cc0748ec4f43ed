from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.people import accounts
from db.types import Role
from tests.browser.conftest import OpenPage, Studio
from tests.people import PASSWORD

pytestmark = pytest.mark.browser

SIGN_IN_PAGE = re.compile(r"/account/sign-in")
SignIn = Callable[..., None]


def expect_tool_page(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name="Cutout", level=1)).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_text(name, exact=True)).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(SIGN_IN_PAGE)


def test_sign_in_wrong_password_then_right_leads_to_the_page_asked_for(
    studio: Studio, open_page: OpenPage
) -> None:
    name = studio.add_user()
    page = open_page()
    page.goto("/history?text=cat")
    expect(page).to_have_url(SIGN_IN_PAGE)
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("don’t match an account")
    expect(page.get_by_label("Name")).to_have_value(name)
    page.get_by_role("button", name="Show: Password").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("cat")


def test_sign_in_survives_reload_second_tab_and_server_restart(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    page = open_page()
    sign_in(page, name)
    expect_tool_page(page, name)
    page.reload()
    expect_tool_page(page, name)
    second_tab = page.context.new_page()
    second_tab.goto("/")
    expect_tool_page(second_tab, name)
    studio.restart_web()
    page.reload()
    expect_tool_page(page, name)
    assert page.evaluate("document.cookie").find("studio=") == -1


def test_sign_out_ends_an_idle_second_tab_too(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    page = open_page()
    sign_in(page, name)
    idle_tab = page.context.new_page()
    idle_tab.goto("/history")
    expect(idle_tab.get_by_role("heading", name="History")).to_be_visible()
    sign_out(page)
    expect(idle_tab).to_have_url(re.compile(r"/account/sign-in\?next=%2Fhistory"))
    page.go_back()
    expect(page).to_have_url(SIGN_IN_PAGE)


def test_first_sign_in_has_the_one_time_password_changed_first(
    studio: Studio, open_page: OpenPage
) -> None:
    account = accounts.create_user(studio.services, "newcomer", Role.MEMBER)
    page = open_page()
    page.goto("/")
    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("Password", exact=True).fill(account.one_time_password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Choose your password")).to_be_visible()
    page.goto("/history")
    expect(page.get_by_role("heading", name="Choose your password")).to_be_visible()
    one_time = page.get_by_label("One-time password", exact=True)
    one_time.fill(account.one_time_password)
    for new in ("short", "my very own words"):
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password again", exact=True).fill(new)
        page.get_by_role("button", name="Save and go on").click()
        if new == "short":  # the browser itself says so, and nothing that was typed is lost
            expect(one_time).to_have_value(account.one_time_password)
    expect_tool_page(page, "newcomer")


def test_admin_adds_a_member_who_signs_in_and_disables_them(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    boss = studio.add_user(Role.ADMIN)
    page = open_page()
    sign_in(page, boss)
    page.get_by_role("link", name="Members").click()
    page.get_by_role("button", name="Add a person").click()
    page.get_by_label("Name", exact=True).fill("li.wei")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("One-time password of li.wei")).to_be_visible()
    password = page.get_by_test_id("stCode").inner_text().strip()
    page.get_by_role("button", name="I have noted it").click()
    expect(page.get_by_test_id("stCode")).to_have_count(0)

    theirs = open_page(width=400)
    theirs.goto("/")
    theirs.get_by_label("Name").fill("li.wei")
    theirs.get_by_label("Password", exact=True).fill(password)
    theirs.get_by_role("button", name="Sign in").click()
    expect(theirs.get_by_role("heading", name="Choose your password")).to_be_visible()

    row = page.locator("[class*=st-key-person-]").filter(has_text="li.wei")
    row.get_by_role("button", name="Change").click()
    page.get_by_text("Disable", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_text(re.compile(r"1 disabled"))).to_be_visible()
    theirs.reload()
    expect(theirs).to_have_url(SIGN_IN_PAGE)


def test_members_see_no_member_page(studio: Studio, open_page: OpenPage, sign_in: SignIn) -> None:
    name = studio.add_user()
    page = open_page()
    sign_in(page, name)
    expect_tool_page(page, name)
    expect(page.get_by_role("link", name="Members")).to_have_count(0)
    page.goto("/members")
    expect(page.get_by_role("heading", name="Members")).to_have_count(0)


def test_stranger_gets_no_upload_no_picture_and_no_metrics(
    studio: Studio, open_page: OpenPage
) -> None:
    request = open_page().context.request
    assert request.put("/_stcore/upload_file/a/b", data=b"x").status == 401
    assert request.get("/media/abc.png").status == 401
    assert request.get("/_stcore/metrics").status == 404
    assert request.get("/healthz").json() == {"status": "ok"}
    page = request.get("/history", max_redirects=0)
    assert page.headers["location"] == "/account/sign-in?next=%2Fhistory"
