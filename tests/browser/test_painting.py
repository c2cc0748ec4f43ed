"""Painting a mask with the mouse, and everything that must not lose it, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256 as sha256_of
from io import BytesIO
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from app.painting import drawings
from db.repositories.drawings import DrawingRepository
from studio.imaging.drawing import Drawing, Stroke, StrokeKind, render
from studio.params import InpaintParams
from tasks.submit import store_upload, submit
from tests.browser.canvas import HEIGHT_PX, OPEN, SPOT, WIDTH_PX, Canvas, meadow, open_canvas
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, drop, find_actor, settle
from tests.factories import load_job
from tests.pictures import png
from tests.requests import request
from tests.servers import wait_until

pytestmark = pytest.mark.browser
REACH_PX = 16
"""How far the mask may reach beyond the paint: grown, feathered, and a margin."""


@pytest.fixture
def name(studio: Studio) -> str:
    return studio.add_user()


def saved(studio: Studio, name: str, picture: bytes) -> Drawing:
    """What the database holds of this person's drawing of ``picture``."""
    with studio.services.database.read() as session:
        actor, sha256 = find_actor(studio.services, name), sha256_of(picture).hexdigest()
        row = DrawingRepository(session).in_work(actor, sha256)
        assert row is not None
        return Drawing.model_validate_json(row.canvas)


def painted(drawing: Drawing) -> npt.NDArray[np.bool_]:
    """Where the drawing paints, at the size of the picture."""
    picture = render(drawing, drawing.width_px, drawing.height_px)
    return picture.pixels[..., 0] > 0


STROKE, UNDO = '"type":"Path"', '"undo"'
"""What a page says of each stroke on its canvas, and of a step back."""


class Wire:
    """What a page says to the server from now on."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.evaluate(
            """() => {
              const send = WebSocket.prototype.send;
              const wire = window.wire = { said: [], lost: [], isCut: false };
              WebSocket.prototype.send = function (data) {
                (wire.isCut ? wire.lost : wire.said).push(new TextDecoder().decode(data));
                if (!wire.isCut) send.call(this, data);
              };
            }"""
        )

    def expect_said(self, word: str, times: int) -> None:
        """Wait for a message that holds ``word`` so many times."""
        self._expect("said", word, times)

    @contextmanager
    def cut(self, word: str, times: int) -> Iterator[None]:
        """Lose what is said, as Streamlit does while a page is drawn anew, until that is lost."""
        self._page.evaluate("() => { window.wire.isCut = true; }")
        yield
        self._expect("lost", word, times)
        self._page.evaluate("() => { window.wire.isCut = false; }")

    def _expect(self, kind: str, word: str, times: int) -> None:
        self._page.wait_for_function(
            """([kind, word, times]) =>
              window.wire[kind].some((message) => message.split(word).length === times + 1)""",
            arg=[kind, word, times],
        )


@contextmanager
def options_cannot_be_kept(studio: Studio) -> Iterator[None]:
    """Meanwhile the record takes in all but the options of pages."""
    create = (
        "CREATE TRIGGER no_options BEFORE INSERT ON page_memory BEGIN SELECT RAISE(ABORT, ''); END"
    )
    engine = studio.services.database.engine
    with engine.begin() as connection:
        connection.execute(text(create))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TRIGGER no_options"))


def test_painted_object_is_gone_and_the_rest_is_untouched(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    studio.start_workers()
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    expect(page.get_by_role("button", name="Repaint")).to_be_disabled()
    canvas.drag((SPOT[0] - 18, SPOT[1] - 10), (SPOT[0] + 18, SPOT[1] - 10))
    canvas.expect_saved(1)
    canvas.drag((SPOT[0] - 18, SPOT[1] + 10), (SPOT[0] + 18, SPOT[1] + 10))
    canvas.expect_saved(2)
    mask = painted(saved(studio, name, meadow()))
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


def test_drawing_survives_reload_page_change_and_a_storm_on_the_brush(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    canvas.drag((60, 140), (200, 140))
    canvas.expect_saved(2)

    page.reload()
    canvas.wait()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 60)

    page.get_by_role("link", name="Cutout", exact=True).click()
    page.wait_for_url("**/cutout")
    expect(canvas.layer).to_have_count(0)
    page.get_by_role("link", name="Inpaint", exact=True).click()
    canvas.wait()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 140)

    brush = page.get_by_role("slider", name="Size")
    brush.focus()
    for key in ["ArrowRight"] * 30 + ["ArrowLeft"] * 20:
        page.keyboard.press(key)
    settle(page)
    canvas.drag((60, 220), (200, 220))
    canvas.expect_saved(3)
    for y in (60, 140, 220):
        canvas.expect_shown(120, y)
    assert len(saved(studio, name, meadow()).strokes) == 3


def test_strokes_survive_leaving_for_another_page_at_once(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    with studio.still_web():
        for y in (60, 140):
            canvas.drag((60, y), (200, y))
        page.get_by_role("link", name="Cutout", exact=True).click(no_wait_after=True)
    page.wait_for_url("**/cutout")
    page.get_by_role("link", name="Inpaint", exact=True).click()
    canvas.wait()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 140)


def test_reloading_at_the_heels_of_a_stroke_asks_first(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page(leaves=False)
    canvas = open_canvas(page, sign_in, name)
    with studio.still_web():
        canvas.drag((60, 60), (200, 60))
        page.wait_for_function("window.darkroom.isAwaited()")
        with page.expect_event("dialog") as asked:
            page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"
    canvas.expect_saved(1)
    page.wait_for_function("!window.darkroom.isAwaited()")
    page.keyboard.press("Control")  # as for a reload by the keyboard: no reason to ask
    page.reload()
    canvas.wait()
    canvas.expect_saved(1)
    canvas.expect_shown(120, 60)


def test_second_tab_adds_to_the_drawing(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    first = open_page()
    one = open_canvas(first, sign_in, name)
    one.drag((60, 60), (200, 60))
    one.expect_saved(1)
    second = first.context.new_page()
    second.goto(first.url)
    other = Canvas(second)
    other.wait()
    other.expect_shown(120, 60)
    other.drag((60, 140), (200, 140))
    other.expect_saved(2)
    one.drag((60, 220), (200, 220))
    expect(first.get_by_text("changed in another tab")).to_be_visible()
    assert len(saved(studio, name, meadow()).strokes) == 3
    first.get_by_role("button", name="Show all of it").click()
    one.expect_saved(3)
    for y in (60, 140, 220):
        one.expect_shown(120, y)


def test_strokes_are_taken_back_made_again_and_brought_back(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
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


def draw_another(canvas: Canvas) -> None:
    canvas.drag((60, 140), (200, 140))


def undo(canvas: Canvas) -> None:
    canvas.page.keyboard.press("Control+Z")


def zoom(canvas: Canvas) -> None:
    canvas.page.get_by_role("radio", name="2×").click(no_wait_after=True)


def clear(canvas: Canvas) -> None:
    canvas.page.get_by_role("button", name="Clear").click(no_wait_after=True)


@pytest.mark.parametrize(("deed", "left"), [(zoom, 1), (clear, 0), (undo, 0)])
def test_canvas_takes_no_stroke_until_what_was_asked_for_is_there(
    studio: Studio,
    name: str,
    open_page: OpenPage,
    sign_in: SignIn,
    deed: Callable[[Canvas], None],
    left: int,
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    page.wait_for_selector(OPEN, state="attached")
    with studio.still_web():
        deed(canvas)
        for y in (140, 220):
            canvas.drag_at_once((60, y), (200, y))
        assert not canvas.shows(120, 140)
    canvas.drag((60, 300), (200, 300))
    canvas.expect_saved(left + 1)
    canvas.expect_shown(120, 300)
    assert len(saved(studio, name, meadow()).strokes) == left + 1


def test_canvas_stays_open_while_another_picture_is_on_its_way(
    name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    settle(page)
    held: list[Route] = []
    page.route("**/upload_file/**", lambda upload: held.append(upload))
    more = page.get_by_text("Add pictures", exact=True)
    more.click()
    drop(page, ("another.png", png()))
    more.click()
    wait_until(lambda: bool(held) or page.wait_for_timeout(100), what="the upload")
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    for upload in held:
        upload.continue_()
    expect(page.get_by_text("another.png").first).to_be_visible()


@pytest.mark.parametrize(
    ("deed", "word", "times", "strokes"), [(draw_another, STROKE, 2, 2), (undo, UNDO, 1, 0)]
)
def test_deed_that_the_server_dropped_is_told_again(
    name: str,
    open_page: OpenPage,
    sign_in: SignIn,
    deed: Callable[[Canvas], None],
    word: str,
    times: int,
    strokes: int,
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    settle(page)
    with Wire(page).cut(word, times):
        deed(canvas)
    canvas.expect_saved(strokes)


def test_stroke_that_the_server_dropped_at_the_heels_of_another_is_told_again(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    wire = Wire(page)
    with studio.still_web():  # so that the first is acknowledged after the second was made
        canvas.drag((60, 60), (200, 60))
        wire.expect_said(STROKE, 1)
        with wire.cut(STROKE, 2):
            draw_another(canvas)
    canvas.expect_saved(2)


def test_fault_of_the_options_leaves_canvas_and_strokes_where_they_are(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    with options_cannot_be_kept(studio):
        page.get_by_text("Invert", exact=True).click()
        expect(page.get_by_text("Something went wrong")).to_be_visible()
        settle(page)
        canvas.drag((60, 140), (200, 140))
        canvas.expect_saved(2)
        for y in (60, 140):
            canvas.expect_shown(120, y)
    assert len(saved(studio, name, meadow()).strokes) == 2


def test_every_tool_masks_what_it_shows_in_any_view(
    studio: Studio, name: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    canvas = open_canvas(page, sign_in, name)
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
    wait_until(lambda: bool(painted(saved(studio, name, meadow()))[260, 370]), what="the move")
    mask = painted(saved(studio, name, meadow()))
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
    fine = saved(studio, name, meadow()).strokes[-1]
    assert fine.points[0] == pytest.approx((WIDTH_PX / 2, HEIGHT_PX / 2), abs=1)
    assert fine.points[-1] == pytest.approx((WIDTH_PX / 2 + 25, HEIGHT_PX / 2), abs=1)
    canvas.zoom("Fit")
    canvas.expect_shown(312, 200)
    canvas.expect_saved(6)
    assert np.array_equal(painted(saved(studio, name, meadow())) & mask, mask)


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
