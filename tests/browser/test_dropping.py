"""Files that are dropped while a page checks another, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, drop, settle
from tests.pictures import png

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("tool", ["cutout", "inpaint"])]

LATE = "late.png", png(99, 640, 480)
UPLOADS = "**/_stcore/upload_file/**"


@pytest.fixture
def page(open_page: OpenPage, sign_in: SignIn, studio: Studio, tool: str) -> Page:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto(f"/{tool}")
    settle(page)  # nothing of it writes any more
    return page


@contextmanager
def checking(studio: Studio, page: Page) -> Iterator[None]:
    """A picture was dropped, and its check is not over before this is."""
    with studio.services.database.write():  # while it lasts, nobody else can write
        drop(page, ("first.png", png(1)))
        expect(page.get_by_text("Checking 1 file…")).to_be_visible()
        yield


def chip(page: Page, name: str) -> Locator:
    """What the drop zone itself shows of a file."""
    return page.get_by_test_id("stFileChip").filter(has_text=name)


def send_at(browser: CDPSession, bytes_per_s: float) -> None:
    """From now on it sends at no more than this speed; below zero is without a limit."""
    speeds = {"uploadThroughput": bytes_per_s, "downloadThroughput": -1}
    browser.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **speeds})


def test_file_dropped_while_another_is_checked_is_taken_too(studio: Studio, page: Page) -> None:
    with checking(studio, page), page.expect_response(UPLOADS):
        drop(page, LATE)
    expect(page.locator("figure.dr-held")).to_have_count(2)
    expect(page.get_by_role("figure", name="late.png")).to_be_visible()


def test_file_on_its_way_as_another_was_checked_is_taken_too(studio: Studio, page: Page) -> None:
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    with checking(studio, page):
        send_at(browser, 10_000)
        with page.expect_request(UPLOADS):
            drop(page, LATE)
        page.wait_for_timeout(1_000)  # its head is with the studio by then
    expect(page.get_by_text("Checking 1 file…")).to_have_count(0)
    settle(page)
    expect(chip(page, "late.png")).to_be_visible()
    expect(chip(page, "first.png")).to_be_hidden()  # its cross takes nothing out of the tray
    send_at(browser, -1)
    expect(page.locator("figure.dr-held")).to_have_count(2)
    expect(page.get_by_role("figure", name="late.png")).to_be_visible()
