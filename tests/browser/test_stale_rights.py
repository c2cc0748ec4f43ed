"""What a page can still do after its person's rights have changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.people import accounts
from db.models import Job
from db.types import Role
from tests.browser.canvas import open_canvas
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import choose, find_actor, settle
from tests.factories import make_job

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]
_KNOW_SOCKETS = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
      constructor(...args) { super(...args); window.sockets.push(this); }
    };
"""


def test_dialog_of_an_admin_who_is_demoted_disables_nobody(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    boss, victim = studio.add_user(Role.ADMIN), studio.add_user()
    studio.add_user(Role.ADMIN)
    page = open_page()
    sign_in(page, boss)
    page.goto("/members")
    card = page.locator("[class*=st-key-person-]").filter(has_text=victim)
    card.get_by_role("button", name="Change").click()
    page.get_by_role("menuitem", name="Disable").click()
    expect(page.get_by_role("heading", name="Disable this account?")).to_be_visible()
    accounts.set_role(studio.services, accounts.find_user(studio.services, boss).id, Role.MEMBER)
    page.get_by_test_id("stDialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Only admins can open this page.")).to_be_visible()
    expect(page.get_by_test_id("stDialog")).to_have_count(0)
    assert accounts.find_user(studio.services, victim).disabled_at is None


def test_last_admin_who_is_refused_to_step_down_is_still_shown_as_admin(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    for user in accounts.everybody(studio.services):
        if user.role is Role.ADMIN:
            with studio.services.database.write() as unit:
                unit.get_one(type(user), user.id).role = Role.MEMBER
    boss = studio.add_user(Role.ADMIN)
    page = open_page()
    sign_in(page, boss)
    page.goto("/members")
    choose(page, f"Role of {boss}", "Member")
    expect(page.get_by_text("This is the last admin.")).to_be_visible()
    box = page.get_by_role("combobox", name=f"Role of {boss}")
    expect(box).to_have_value("Admin")


def test_canvas_of_a_new_viewer_gives_way_to_one_refusal(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    name = studio.add_user()
    open_canvas(page, sign_in, name)
    studio.add_user(Role.ADMIN)
    accounts.set_role(studio.services, accounts.find_user(studio.services, name).id, Role.VIEWER)
    page.get_by_text("Invert", exact=True).click()
    expect(page.get_by_text("You can look, but not run")).to_be_visible()
    expect(page.locator("canvas.upper-canvas")).to_have_count(0)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_dialog_of_a_new_viewer_deletes_nothing_and_goes_on_saying_why(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name, _boss = studio.add_user(), studio.add_user(Role.ADMIN)
    person = find_actor(studio.services, name)
    with studio.services.database.write() as unit:
        job_id = make_job(unit, person).id
    page = open_page()
    sign_in(page, name)
    page.goto(f"/run?id={job_id}")
    settle(page)
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_test_id("stDialog")
    expect(dialog).to_be_visible()
    accounts.set_role(studio.services, person.id, Role.VIEWER)
    dialog.get_by_role("button", name="Move to the trash").click()
    expect(dialog).to_have_count(0)  # it would hide why
    settle(page)
    expect(page.get_by_text("Viewers can look")).to_be_visible()
    expect(page.get_by_role("heading", name="cat.jpg")).to_be_visible()
    with studio.services.database.read() as unit:
        assert unit.get_one(Job, job_id).deleted_at is None


def test_tab_that_changed_hands_is_loaded_anew_and_does_nothing(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    boss, other = studio.add_user(Role.ADMIN), studio.add_user(Role.ADMIN)
    people = [find_actor(studio.services, name) for name in (boss, other)]
    with studio.services.database.write() as unit:
        job_id = make_job(unit, people[0]).id
    page = open_page()
    page.add_init_script(_KNOW_SOCKETS)
    sign_in(page, boss)
    page.goto(f"/run?id={job_id}")
    expect(page.locator(".dr-person-name b")).to_have_text(boss)
    settle(page)
    elsewhere = open_page()
    sign_in(elsewhere, other)
    page.context.add_cookies(
        [
            {"name": one["name"], "value": one["value"], "url": studio.url}
            for one in elsewhere.context.cookies()
        ]
    )
    page.get_by_role("textbox", name="Note").fill("too late")
    page.evaluate("sockets.forEach((socket) => socket.close())")
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".dr-person-name b")).to_have_text(other)
    settle(page)
    expect(page.get_by_role("textbox", name="Note")).to_have_value("")
    with studio.services.database.read() as unit:
        theirs = Job.owner_id.in_(person.id for person in people)
        assert [job.note for job in unit.scalars(select(Job).where(theirs))] == [""]
