"""A chain of three tools set up on the pages before anything has run, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.ui.models import model_choices
from db.states import JobState
from studio.params import CutoutParams, UpscaleParams
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, wait_for_end
from tests.factories import load_job

pytestmark = pytest.mark.browser


@pytest.fixture
def _models(studio: Studio) -> None:
    """Skip where a network is missing, saying how to get it."""
    for wanted, tool in ((CutoutParams().model, "cutout"), (UpscaleParams().model, "upscale")):
        choices = model_choices(studio.services.settings, tool)
        if not any(choice.id == wanted and choice.is_installed for choice in choices):
            pytest.skip(f"{wanted} is not installed; run: studio weights pull {wanted}")


def run(page: Page, action: str) -> UUID:
    """Press the page's button; the id of the run that then stands in the address."""
    page.get_by_role("button", name=action, exact=True).click()
    page.wait_for_url(lambda address: "job=" in address)
    return UUID(page.url.rpartition("job=")[2])


def use_in(page: Page, tool: str) -> None:
    page.get_by_role("button", name="Use this result in…").click()
    page.get_by_test_id("stPopoverBody").get_by_role("link", name=tool).click()
    page.wait_for_url(lambda address: "use=" in address)
    expect(page.get_by_role("heading", name="Its picture is made by")).to_be_visible()


def look(page: Page, name: str) -> None:
    """Keep a picture of the page for whoever asks, by STUDIO_TEST_PICTURES."""
    folder = os.environ.get("STUDIO_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.weights
@pytest.mark.usefixtures("_models")
def test_cutout_then_upscale_then_white_background_are_set_up_at_once_and_make_one_picture(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("figure", name="astronaut.png")).to_be_visible()
    cutout = run(page, "Cut out")
    use_in(page, "Upscale")
    look(page, "upscale")
    upscale = run(page, "Enlarge")
    use_in(page, "Cutout")
    page.get_by_role("radio", name="Colour", exact=True).click()
    look(page, "white")
    white = run(page, "Cut out")
    look(page, "waiting")
    states = [load_job(studio.services.database, each).state for each in (cutout, upscale, white)]
    assert states == [JobState.QUEUED, JobState.WAITING, JobState.WAITING]

    studio.start_workers()
    for before in (cutout, upscale):
        wait_for_end(studio.services, before)
    done = wait_for_end(studio.services, white)
    assert done.state is JobState.SUCCEEDED, done.error_message
    expect(page.get_by_role("link", name="Download PNG")).to_be_visible()
    look(page, "done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    with Image.open(download.value.path()) as result:
        assert result.size == (1024, 1024)
        assert result.convert("RGB").getpixel((1000, 10)) == (255, 255, 255)
        assert min(result.convert("RGB").getpixel((450, 220))) < 240
