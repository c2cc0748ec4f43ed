"""The cutout page from the first picture to a second background, in a real browser."""

from __future__ import annotations

from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.ui.models import model_choices
from studio.params import CutoutParams
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, choose, drop, settle, wait_for_end
from tests.pictures import png

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def model(studio: Studio) -> str:
    """The default network, or a skip that says how to get it."""
    wanted = CutoutParams().model
    choices = model_choices(studio.services.settings, "cutout")
    if not any(choice.id == wanted and choice.is_installed for choice in choices):
        pytest.skip(f"{wanted} is not installed; run: studio weights pull {wanted}")
    return wanted


@pytest.mark.weights
def test_photo_is_cut_out_downloaded_and_given_another_background(
    studio: Studio, model: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    studio.start_workers()
    page = open_page()
    sign_in(page, studio.add_user())
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("figure", name="astronaut.png")).to_be_visible()
    page.get_by_role("button", name="Cut out", exact=True).click()

    slider = page.get_by_role("slider", name="Divide between before and after")
    expect(slider).to_be_visible(timeout=60_000)
    slider.press("End")
    assert slider.input_value() == "100"
    expect(page.locator("img.after")).to_have_js_property("naturalWidth", 512)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    assert download.value.suggested_filename == "astronaut-cutout.png"
    with Image.open(download.value.path()) as result:
        assert result.mode == "RGBA"
        assert result.size == (512, 512)
        corner, face = result.getpixel((500, 5)), result.getpixel((225, 110))
    assert corner[3] < 8
    assert face[3] > 247
    size = download.value.path().stat().st_size
    expect(page.get_by_text(f"{size:,} bytes")).to_be_visible()

    page.reload()
    expect(slider).to_be_visible()

    settle(page)
    page.get_by_text("Change edge or background").click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    choose(page, "Background", "Colour")
    expect(page.get_by_text("Colour", exact=True).first).to_be_visible()
    settle(page)
    first_address = page.url
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(lambda address: "job=" in address and address != first_address)
    job = wait_for_end(studio.services, UUID(page.url.rpartition("job=")[2]))
    expect(slider).to_be_visible()
    assert job.record is not None
    assert job.record["weights"] == []


def test_refused_files_are_named_and_the_good_one_goes_on(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    whole = png(width_px=640, height_px=480)
    drop(
        page,
        ("good.png", whole),
        ("cut-off.png", whole[: len(whole) // 2]),
        ("letter.png", b"Dear all, this is a letter."),
    )
    refusals = page.get_by_role("alert")
    expect(refusals).to_contain_text("2 files are not taken")
    expect(refusals).to_contain_text("cut-off.png")
    expect(refusals).to_contain_text("letter.png")
    expect(page.get_by_role("figure", name="good.png")).to_be_visible()
    expect(page.get_by_text("1 picture", exact=True)).to_be_visible()
