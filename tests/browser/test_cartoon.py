"""The cartoon page from a picture to a download and another strength, in a real browser."""

from __future__ import annotations

from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.ui.models import missing_helpers
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, settle, wait_for_end

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def networks(studio: Studio) -> None:
    """What the looks need, or a skip that says how to get it."""
    missing = missing_helpers(studio.services.settings, "realesr-animevideov3")
    if missing:
        ids = " ".join(spec.id for spec in missing)
        pytest.skip(f"networks are not installed; run: studio weights pull {ids}")


@pytest.mark.weights
@pytest.mark.usefixtures("networks")
def test_portrait_is_drawn_downloaded_and_made_weaker_without_drawing_again(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    studio.start_workers()
    page = open_page()
    sign_in(page, studio.add_user())
    page.get_by_role("link", name="Cartoon").click()
    looks = page.get_by_role("radiogroup", name="Look")
    expect(looks.locator("img").first).to_have_js_property("naturalWidth", 240)
    looks.get_by_role("radio", name="3D").click()
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("figure", name="astronaut.png")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Draw", exact=True).click()

    slider = page.get_by_role("slider", name="Divide between before and after")
    expect(slider).to_be_visible(timeout=90_000)
    first = wait_for_end(studio.services, UUID(page.url.rpartition("job=")[2]))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    assert download.value.suggested_filename == "astronaut-cartoon.png"
    with Image.open(download.value.path()) as result:
        assert result.size == (1024, 1024)

    settle(page)
    strength = page.get_by_role("slider", name="Strength")
    strength.press("Home")
    expect(strength).to_have_value("0.1")
    settle(page)
    first_address = page.url
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(lambda address: "job=" in address and address != first_address)
    again = wait_for_end(studio.services, UUID(page.url.rpartition("job=")[2]))
    assert again.params["strength"] == 0.1
    assert again.record is not None
    assert again.record["weights"] == []
    assert again.parent_id == first.id
    drawings = [{file.role: file.blob_sha256 for file in job.outputs} for job in (first, again)]
    assert drawings[0]["render"] == drawings[1]["render"]
    assert drawings[0]["image"] != drawings[1]["image"]
    expect(slider).to_be_visible()
