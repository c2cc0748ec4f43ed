"""The face swap page from the confirmation to a result, and to a refusal, in a real browser."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from app.runs.sample import sample_picture
from app.ui.models import missing_helpers
from studio.imaging.provenance import read_provenance
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, choose, settle, wait_for_end
from tests.pictures import mirrored, png, shrunk

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def networks(studio: Studio) -> None:
    """The search for faces, or a skip that says how to get it."""
    missing = missing_helpers(studio.services.settings)
    if missing:
        ids = " ".join(spec.id for spec in missing)
        pytest.skip(f"networks are not installed; run: studio weights pull {ids}")


def confirm(page: Page) -> None:
    """Open the page and confirm what it asks."""
    page.goto("/faceswap")
    expect(page.get_by_text("Before your first face swap")).to_be_visible()
    page.get_by_text(re.compile("^Everybody whose face I use")).click()
    page.get_by_role("button", name="Confirm and go on").click()
    expect(page.get_by_text("1 · Picture to change")).to_be_visible()


def give_source(page: Page, name: str, data: bytes) -> None:
    zone = page.locator('[class*="faceswap-source-drop"] input[type=file]')
    zone.set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    expect(page.get_by_text("Source 1", exact=True).first).to_be_visible()


@pytest.mark.weights
@pytest.mark.usefixtures("networks")
def test_face_is_swapped_after_consent_as_the_table_says(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    studio.start_workers()
    page = open_page()
    sign_in(page, studio.add_user())
    confirm(page)
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("figure", name="astronaut.png")).to_be_visible()
    settle(page)
    give_source(page, "mirror.png", mirrored(sample_picture()[1]))

    face = page.get_by_role("combobox", name="Face 1")
    expect(face).to_be_visible(timeout=60_000)
    swap = page.get_by_role("button", name="Swap faces")
    expect(swap).to_be_enabled()
    choose(page, "Face 1", "Leave alone")
    expect(page.get_by_text("Every face is left alone")).to_be_visible()
    expect(swap).to_be_disabled()
    choose(page, "Face 1", "Source 1")
    expect(swap).to_be_enabled()
    settle(page)
    swap.click()

    slider = page.get_by_role("slider", name="Divide between before and after")
    expect(slider).to_be_visible(timeout=60_000)
    job = wait_for_end(studio.services, UUID(page.url.rpartition("job=")[2]))
    assert job.params["faces"] == [1]
    page.get_by_text("Show what was found").click()
    expect(page.get_by_text(re.compile(r"swapped.*% off"))).to_be_visible()
    expect(page.locator(".dr-box.dr-found")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    provenance = read_provenance(download.value.path().read_bytes())
    assert provenance is not None
    assert provenance.digital_source_type == "compositeSynthetic"

    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("1 run", exact=True)).to_be_visible()  # searches are not runs


@pytest.mark.weights
@pytest.mark.usefixtures("networks")
def test_refusal_says_what_is_wrong_and_shows_the_pictures(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    studio.start_workers()
    page = open_page(theme="dark")
    sign_in(page, studio.add_user())
    confirm(page)
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("figure", name="astronaut.png")).to_be_visible()
    settle(page)
    give_source(page, "wall.png", png(width_px=320, height_px=240))
    expect(page.get_by_text("No face found: choose another picture")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("combobox", name="Face 1")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Swap faces").click()

    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("No face was found in source 1", timeout=60_000)
    expect(refusal).to_contain_text("faceswap.no_source_face")
    for name in ("astronaut.png", "wall.png"):
        expect(page.get_by_role("img", name=name)).to_be_visible()
    expect(page.get_by_role("img", name="wall.png")).to_have_js_property("naturalWidth", 320)


@pytest.mark.weights
@pytest.mark.usefixtures("networks")
def test_refusal_frames_the_face_that_it_speaks_of(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    studio.start_workers()
    page = open_page(width=390)
    sign_in(page, studio.add_user())
    confirm(page)
    zone = page.locator('[class*="faceswap-drop"] input[type=file]')
    tiny = shrunk(sample_picture()[1], 160)
    zone.set_input_files({"name": "tiny.png", "mimeType": "image/png", "buffer": tiny})
    expect(page.get_by_role("figure", name="tiny.png")).to_be_visible()
    settle(page)
    give_source(page, "astronaut.png", sample_picture()[1])
    expect(page.get_by_role("combobox", name="Face 1")).to_be_visible(timeout=60_000)
    settle(page)
    page.get_by_role("button", name="Swap faces").click()

    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("Face 1: too small", timeout=60_000)
    expect(page.locator(".dr-box.dr-fault")).to_have_text("1")
    frame = page.locator(".dr-box.dr-fault").bounding_box()
    picture = page.get_by_role("img", name="tiny.png").bounding_box()
    assert frame is not None
    assert picture is not None
    middle_x = (frame["x"] + frame["width"] / 2 - picture["x"]) / picture["width"]
    middle_y = (frame["y"] + frame["height"] / 2 - picture["y"]) / picture["height"]
    assert (middle_x, middle_y) == pytest.approx((0.44, 0.22), abs=0.05)  # her face
