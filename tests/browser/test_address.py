"""The address names what is shown, pages keep what was set, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.people.consent import give_consent
from app.runs.page_memory import keep_tray
from db.repositories.jobs import JobRepository
from db.states import JobState
from studio.params import INTERPOLATION, ImageFormat, UpscaleParams
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolSpec
from tasks.submit import store_upload, submit
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, drop, find_actor, settle, wait_for_option
from tests.factories import make_job
from tests.people import HERE
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.browser
PARAMS = UpscaleParams(model=INTERPOLATION)


def open_card(page: Page, title: str) -> None:
    page.get_by_role("link", name=title).click()
    expect(page).to_have_title(f"{title} · Upscale · Darkroom")


def test_address_follows_cards_and_batches_and_back_returns(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    actor = find_actor(studio.services, name)
    files = [store_upload(studio.services, f"{n}.png", png(n)) for n in range(2)]
    first, second = submit(
        studio.services, actor, request(PARAMS, *({"image": file} for file in files))
    )
    with studio.services.database.read() as session:
        job = JobRepository(session).get(actor, first)
        assert job is not None
        batch_id = job.batch_id
    page = open_page()
    sign_in(page, name)
    page.goto("/upscale")
    open_card(page, "1.png")
    expect(page).to_have_url(re.compile(rf"/upscale\?job={second}$"))
    page.get_by_role("link", name="All pictures of this batch").click()
    expect(page).to_have_url(re.compile(rf"/upscale\?batch={batch_id}$"))
    expect(page).to_have_title("2 pictures · Upscale · Darkroom")
    page.go_back()
    expect(page).to_have_title("1.png · Upscale · Darkroom")
    page.reload()
    expect(page.get_by_role("heading", name="1.png")).to_be_visible()


def test_address_every_page_has_its_own_and_says_what_it_is(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    expect(page).to_have_url(re.compile(r"/cutout$"))
    for address, title in (("cutout", "Cutout"), ("history", "History"), ("members", "Members")):
        page.goto(f"/{address}")
        expect(page).to_have_title(f"{title} · Darkroom")
        expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.get_by_text("Only admins can open this page.")).to_be_visible()


def test_page_keeps_options_and_pictures_over_pages_and_reloads(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/upscale")
    expect(page.get_by_role("button", name="Try a sample")).to_be_visible()
    settle(page)
    drop(page, ("harbour.png", png(5)))
    expect(page.get_by_role("figure", name="harbour.png")).to_be_visible()
    settle(page)
    with studio.still_web():  # the studio hears of both at once
        page.get_by_role("radio", name="×3").click()
        page.get_by_role("link", name="History").click()
    expect(page).to_have_title("History · Darkroom")
    page.get_by_role("link", name="Upscale").click()
    expect(page.get_by_role("radio", name="×3")).to_be_checked()
    page.reload()
    expect(page.get_by_role("figure", name="harbour.png")).to_be_visible()
    expect(page.get_by_role("radio", name="×3")).to_be_checked()


def test_options_of_every_tool_last_over_pages_new_runs_and_reloads(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    actor = find_actor(studio.services, name)
    tools = [spec for spec in TOOLS.values() if not spec.is_auxiliary]
    runs = {}
    for spec in tools:
        give_consent(studio.services, actor, spec.name, HERE)
        # Of what pages ask for only once there is a picture.
        keep_tray(
            studio.services, actor, spec.name, [store_upload(studio.services, "a.png", png())]
        )
        params = spec.params.model_validate({}).model_dump(mode="json")
        with studio.services.database.write() as session:
            columns = {"params": params, "state": JobState.FAILED, "main_role": spec.main_role}
            runs[spec.name] = make_job(session, actor, tool=spec.name, **columns).id
    page = open_page()
    sign_in(page, name)
    webp = page.get_by_role("radio", name="WebP")

    def turn_to(spec: ToolSpec) -> None:
        menu = page.get_by_test_id("stSidebarNav")
        menu.get_by_role("link", name=spec.title, exact=True).click()
        expect(page).to_have_title(f"{spec.title} · Darkroom")

    for spec in tools:
        turn_to(spec)
        expect(webp).not_to_be_checked()
        settle(page)
        webp.click()
        expect(webp).to_be_checked()
        wait_for_option(studio.services, actor, spec.params, "format", ImageFormat.WEBP)
    for spec in tools:
        turn_to(spec)
        expect(webp).to_be_checked()
    for spec in tools:
        page.goto(f"/{spec.name}?job={runs[spec.name]}")
        page.get_by_role("button", name="New run").click()
        expect(webp).to_be_checked()
