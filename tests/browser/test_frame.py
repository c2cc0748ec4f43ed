"""What stands round every page: no words of Streamlit's own, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Request, Route, expect

from app.ui.own_words import own_words
from app.web.middleware import SESSION_PATH
from db.types import Role
from studio.params import INTERPOLATION, UpscaleParams
from tasks.submit import store_upload, submit
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, drop, find_actor, settle, steady_box
from tests.pictures import png
from tests.requests import request

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "costs $5 and $6 [a](b) _c_ -- www.x.org.png"


def test_unknown_address_is_answered_by_a_page_of_ours(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/nope")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    page.get_by_role("link", name="Back to the studio").click()
    expect(page).to_have_url(re.compile("/cutout$"))


def test_phone_menu_closes_once_a_page_is_chosen(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page(width=390, height=844)
    late: list[Route] = []
    # In which the last parts of a page come.
    page.route("**/static/js/Html.*", lambda part: late.append(part))
    sign_in(page, studio.add_user())
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    for part in late:
        part.continue_()
    wait_until_menu_is_closed(page)


def test_phone_menu_closes_though_the_chosen_page_has_to_wait(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page(width=390, height=844)
    sign_in(page, studio.add_user(Role.ADMIN))
    page.goto("/history")
    settle(page)
    page.get_by_label("Search").fill("cat")
    page.get_by_test_id("stExpandSidebarButton").click()
    with studio.still_web():
        page.get_by_label("Search").press("Enter")
        page.get_by_role("link", name="Account").click(no_wait_after=True)
        wait_until_menu_is_closed(page)
    expect(page.get_by_role("heading", name="Account")).to_be_visible()


def wait_until_menu_is_closed(page: Page) -> None:
    page.wait_for_function(
        "document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 0"
    )


def test_names_from_outside_read_as_they_are(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    file = store_upload(studio.services, NAME, png())
    params = UpscaleParams(model=INTERPOLATION)
    [job_id] = submit(
        studio.services, find_actor(studio.services, name), request(params, {"image": file})
    )
    page = open_page()
    sign_in(page, name)
    for address in ("/history", f"/run?id={job_id}", f"/upscale?job={job_id}"):
        page.goto(address)
        settle(page)
        page.wait_for_function(
            "name => document.querySelector('[data-testid=stMain]').innerText"
            ".replaceAll('\\u2060', '').includes(name)",
            arg=NAME,
            timeout=120_000,
        )
        assert not page.locator(".katex").count()


def test_run_with_a_long_name_is_cancelled_beside_it_and_says_how_long_a_note_may_be(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    file = store_upload(studio.services, f"{'a long name ' * 12}.png", png())
    [job_id] = submit(
        studio.services,
        find_actor(studio.services, name),
        request(UpscaleParams(model=INTERPOLATION), {"image": file}),
    )
    page = open_page()
    sign_in(page, name)
    page.goto(f"/run?id={job_id}")
    title = steady_box(page.locator(".dr-live"))
    button = steady_box(page.get_by_role("button", name="Cancel"))
    assert button["y"] < title["y"] + title["height"]
    assert title["x"] + title["width"] <= button["x"]
    page.get_by_label("Note").press_sequentially("cat")
    expect(page.get_by_text("3/2000")).to_be_visible()
    expect(page.get_by_text("Ctrl+Enter")).to_be_hidden()


@pytest.mark.parametrize("address", ["/upscale", "/history?tool=upscale&from=2026-03-04"])
def test_words_of_streamlit_are_said_in_ours(
    studio: Studio, open_page: OpenPage, sign_in: SignIn, address: str
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto(address)
    settle(page)
    box = page.get_by_role("combobox").first
    box.click()
    box.press_sequentially("zzzz")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    theirs = [pattern for pattern, ours in own_words(0).labels if not re.fullmatch(pattern, ours)]
    page.wait_for_function(
        """theirs => {
          const labels = [...document.querySelectorAll("[aria-label]")].map((one) => one.ariaLabel)
          return !labels.some((one) => theirs.some((each) => RegExp(`^(?:${each})$`).test(one)))
        }""",
        arg=theirs,
    )
    expect(page.get_by_text("No results")).to_have_count(0)


def test_file_that_is_on_its_way_is_named_in_our_words(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/upscale")
    settle(page)
    held: list[Route] = []
    page.route("**/_stcore/upload_file/**", lambda route: held.append(route))
    drop(page, ("cat.png", png()))
    expect(page.get_by_role("button", name="Do not send cat.png")).to_be_visible()
    for route in held:
        route.continue_()


def test_file_that_streamlit_stops_is_refused_by_name_in_our_words(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/upscale")
    settle(page)
    # As large as no test can send: the browser looks at the size alone.
    page.evaluate("Object.defineProperty(File.prototype, 'size', { get: () => 2 ** 40 })")
    drop(page, ("huge.png", png()))
    chip = page.get_by_test_id("stFileChip").filter(has_text="huge.png")
    expect(chip.get_by_role("alert")).to_be_visible()
    expect(chip.get_by_role("alert")).to_have_text(
        "The file is larger than the 100 MB that a picture may have."
    )


def test_outage_of_the_studio_is_told_in_our_words_and_passes_by_itself(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user(Role.ADMIN))
    page.goto("/studio")
    settle(page)
    studio.stop_web()
    expect(page.get_by_text("The studio does not answer.")).to_be_visible()
    page.wait_for_selector(".stDialog", state="attached")
    expect(page.locator(".stDialog")).to_be_hidden()
    studio.start_web()
    expect(page.get_by_text("The studio does not answer.")).to_be_hidden()
    expect(page.get_by_text("internet")).to_have_count(0)


def test_studio_that_hears_nothing_is_said_to_be_away(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    settle(page)
    asked: list[Request] = []
    page.on("request", lambda one: asked.append(one) if is_look(one) else None)
    with studio.still_web():
        expect(page.get_by_text("The studio does not answer.")).to_be_visible(timeout=30_000)
        assert len(asked) <= 3, "a question waits for the answer to the last"
    expect(page.get_by_text("The studio does not answer.")).to_be_hidden()


def is_look(asked: Request) -> bool:
    return urlsplit(asked.url).path == SESSION_PATH


def test_address_that_streamlit_refuses_is_refused_in_our_shape(studio: Studio) -> None:
    answer = httpx.get(f"{studio.url}/api/v1/jobs/%00")
    assert (answer.status_code, answer.json()["code"]) == (400, "request.unreadable")


def test_windows_of_pages_are_seen(studio: Studio, open_page: OpenPage, sign_in: SignIn) -> None:
    page = open_page()
    sign_in(page, studio.add_user(Role.ADMIN))
    studio.add_user(name="mei")
    page.goto("/members")
    settle(page)
    page.get_by_test_id("stMenuButton").last.click()
    page.get_by_role("menuitem", name="Disable").click()
    expect(page.get_by_role("heading", name="Disable this account?")).to_be_visible()
