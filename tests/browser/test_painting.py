"""Painting a mask with the mouse, in a real browser."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import expect

from app.painting import drawings
from studio.imaging.drawing import Drawing, Stroke, StrokeKind, render
from studio.params import InpaintParams
from tasks.submit import store_upload, submit
from tests.browser.canvas import HEIGHT_PX, SPOT, WIDTH_PX, Canvas, Saved, meadow
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, find_actor
from tests.factories import load_job
from tests.requests import request
from tests.servers import wait_until

pytestmark = pytest.mark.browser
REACH_PX = 16
"""How far the mask may reach beyond the paint: grown, feathered, and a margin."""


def painted(drawing: Drawing) -> npt.NDArray[np.bool_]:
    """Where the drawing paints, at the size of the picture."""
    picture = render(drawing, drawing.width_px, drawing.height_px)
    return picture.pixels[..., 0] > 0


def test_painted_object_is_gone_and_the_rest_is_untouched(
    studio: Studio, canvas: Canvas, saved: Saved
) -> None:
    page = canvas.page
    studio.start_workers()
    expect(page.get_by_role("button", name="Repaint")).to_be_disabled()
    canvas.drag((SPOT[0] - 18, SPOT[1] - 10), (SPOT[0] + 18, SPOT[1] - 10))
    canvas.expect_saved(1)
    canvas.drag((SPOT[0] - 18, SPOT[1] + 10), (SPOT[0] + 18, SPOT[1] + 10))
    canvas.expect_saved(2)
    mask = painted(saved())
    page.get_by_role("button", name="Repaint").click()

    expect(page.get_by_role("slider", name="Divide between")).to_be_visible(timeout=90_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    before = np.asarray(Image.open(BytesIO(meadow())))
    with Image.open(download.value.path()) as image:
        after = np.asarray(image.convert("RGB"))
    assert after[SPOT[1], SPOT[0], 0] < 160
    near = np.asarray(Image.fromarray(mask).filter(ImageFilter.MaxFilter(2 * REACH_PX + 1)))
    assert np.array_equal(after[~near], before[~near])

    page.get_by_role("button", name="Keep the mask").click()
    canvas.wait()
    canvas.expect_saved(2)
    canvas.expect_shown(SPOT[0], SPOT[1] - 10)
    expect(page.locator(".dr-filename", has_text="meadow-inpainted.png")).to_be_visible()


def test_strokes_are_taken_back_made_again_and_brought_back(canvas: Canvas) -> None:
    page = canvas.page
    for number in range(3):
        canvas.drag((60, 60 + 80 * number), (200, 60 + 80 * number))
        canvas.expect_saved(number + 1)
    page.get_by_role("button", name="Undo").click()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 220, is_painted=False)
    page.keyboard.press("Control+Z")
    canvas.expect_saved(1)
    page.get_by_role("button", name="Redo").click()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 140)
    # As fast as keys repeat, while the page still answers the click before them.
    page.get_by_role("button", name="Redo").click()
    page.keyboard.press("Control+Z")
    page.keyboard.press("Control+Z")
    canvas.expect_saved(1)
    page.keyboard.press("Control+Y")
    canvas.expect_saved(2)
    canvas.expect_shown(120, 140)

    page.get_by_role("button", name="Clear").click()
    canvas.expect_saved(0)
    canvas.expect_shown(120, 60, is_painted=False)
    page.reload()
    canvas.wait()
    expect(page.get_by_text("2 strokes went from this drawing")).to_be_visible()
    page.get_by_role("button", name="Bring back").click()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 60)


def test_every_tool_masks_what_it_shows_in_any_view(canvas: Canvas, saved: Saved) -> None:
    canvas.drag((40, 60), (280, 60))
    canvas.expect_saved(1)
    canvas.use("Eraser")
    canvas.drag((160, 20), (160, 120))
    canvas.expect_saved(2)
    canvas.use("Box")
    canvas.drag((320, 40), (420, 120))
    canvas.expect_saved(3)
    canvas.use("Polygon")
    for corner in ((460, 40), (560, 60), (500, 120), (460, 40)):
        canvas.click(*corner)
    canvas.expect_saved(4)
    canvas.use("Lasso")
    canvas.drag((60, 220), (180, 220), (180, 340), (60, 340))
    canvas.expect_saved(5)
    canvas.use("Adjust")
    canvas.drag((370, 80), (370, 260))
    wait_until(lambda: bool(painted(saved())[260, 370]), what="the move")
    mask = painted(saved())
    for x, y, is_masked in (
        (80, 60, True),
        (160, 60, False),
        (370, 80, False),
        (370, 260, True),
        (505, 70, True),
        (120, 280, True),
        (250, 300, False),
    ):
        assert mask[y, x] == is_masked, (x, y)
    canvas.expect_shown(370, 260)
    canvas.expect_shown(370, 80, is_painted=False)
    canvas.expect_shown(160, 60, is_painted=False)

    canvas.use("Brush")
    canvas.zoom("4×")
    canvas.drag((300, 200), (400, 200))
    canvas.expect_saved(6)
    fine = saved().strokes[-1]
    assert fine.points[0] == pytest.approx((WIDTH_PX / 2, HEIGHT_PX / 2), abs=1)
    assert fine.points[-1] == pytest.approx((WIDTH_PX / 2 + 25, HEIGHT_PX / 2), abs=1)
    canvas.zoom("Fit")
    canvas.expect_shown(312, 200)
    canvas.expect_saved(6)
    assert np.array_equal(painted(saved()) & mask, mask)


def test_old_run_opens_with_its_picture_drawing_and_parameters(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    services, actor = studio.services, find_actor(studio.services, name)
    stroke = Stroke(kind=StrokeKind.BRUSH, points=((100, 100), (300, 100)), width_px=30)
    drawing = Drawing(width_px=WIDTH_PX, height_px=HEIGHT_PX, strokes=(stroke,))
    image = store_upload(services, "meadow.png", meadow())
    item = {"image": image, "drawing": drawings.store_drawing(services, drawing)}
    [old] = submit(services, actor, request(InpaintParams(grow_px=17), item))
    page = open_page()
    sign_in(page, name)
    page.goto(f"/inpaint?from={old}")
    canvas = Canvas(page)
    canvas.wait()
    canvas.expect_saved(1)
    canvas.expect_shown(200, 100)
    expect(page.locator(".dr-filename", has_text="meadow.png")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Grow")).to_have_value("17")
    canvas.drag((100, 250), (300, 250))
    canvas.expect_saved(2)
    page.reload()
    canvas.wait()
    canvas.expect_saved(2)
    canvas.expect_shown(200, 250)
    page.get_by_role("button", name="Repaint").click()
    page.wait_for_url("**job=**")
    again = load_job(services.database, UUID(page.url.rpartition("job=")[2]))
    assert again.parent_id == old
    assert {file.role for file in again.inputs} == {"image", "drawing"}
