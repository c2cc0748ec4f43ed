"""Cancelling from the page: a waiting job at once, a running one within a step."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.ui.models import model_choices
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, choose, drop
from tests.pictures import png

pytestmark = pytest.mark.browser
PHOTO_MODEL = "realesrgan-x4plus"


def test_waiting_job_is_cancelled_and_the_page_says_no_worker_runs(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/upscale")
    drop(page, ("waiting.png", png()))
    choose(page, "Model", "Classic interpolation")
    page.get_by_role("button", name="Enlarge", exact=True).click()
    expect(page.get_by_text("Next in the queue")).to_be_visible()
    expect(page.get_by_text("No worker is running")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("This run was stopped")).to_be_visible()


@pytest.mark.weights
def test_running_job_stops(studio: Studio, open_page: OpenPage, sign_in: SignIn) -> None:
    choices = model_choices(studio.services.settings, "upscale")
    if not any(choice.id == PHOTO_MODEL and choice.is_installed for choice in choices):
        pytest.skip(f"{PHOTO_MODEL} is not installed; run: studio weights pull {PHOTO_MODEL}")
    studio.start_workers()
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/upscale")
    drop(page, ("large.png", png(width_px=1800, height_px=1200)))
    choose(page, "Model", "Photo")
    page.get_by_role("button", name="Enlarge", exact=True).click()
    expect(page.get_by_text("so far")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("This run was stopped")).to_be_visible()
