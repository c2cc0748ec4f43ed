"""Strokes that nothing may lose, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from tests.browser.canvas import OPEN, Canvas, Saved, open_canvas
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, drop, settle
from tests.pictures import png
from tests.servers import wait_until

pytestmark = pytest.mark.browser
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


def test_drawing_survives_reload_page_change_and_a_storm_on_the_brush(
    canvas: Canvas, saved: Saved
) -> None:
    page = canvas.page
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
    assert len(saved().strokes) == 3


def test_strokes_survive_leaving_for_another_page_at_once(studio: Studio, canvas: Canvas) -> None:
    page = canvas.page
    with studio.still_web():
        for y in (60, 140):
            canvas.drag((60, y), (200, y))
        page.get_by_role("link", name="Cutout", exact=True).click(no_wait_after=True)
    page.wait_for_url("**/cutout")
    page.get_by_role("link", name="Inpaint", exact=True).click()
    canvas.wait()
    canvas.expect_saved(2)
    canvas.expect_shown(120, 140)


def test_strokes_survive_turning_to_another_picture_at_once(canvas: Canvas, saved: Saved) -> None:
    page = canvas.page
    paint = page.get_by_role("button", name="Paint", exact=True)
    drop(page, ("another.png", png(7, 600, 400)))
    expect(paint).to_be_visible()
    for turn in range(3):
        canvas.wait()
        for y in (60, 140):
            canvas.drag((60, y + 20 * turn), (200, y + 20 * turn))
        paint.click()
        expect(page.locator(".dr-filename", has_text="another.png").first).to_be_visible()
        canvas.wait()
        assert len(saved().strokes) == 2 * (turn + 1)
        paint.click()
        expect(page.locator(".dr-filename", has_text="meadow.png").first).to_be_visible()
    canvas.expect_saved(6)


def test_one_step_back_leads_to_the_picture_before(canvas: Canvas) -> None:
    page = canvas.page
    bar = page.locator(".st-key-picture-bar")
    drop(page, ("another.png", png(7, 600, 400)))
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(bar).to_contain_text("another.png")
    canvas.wait()
    page.go_back()
    expect(bar).to_contain_text("meadow.png")
    page.go_forward()
    expect(bar).to_contain_text("another.png")


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


def test_second_tab_adds_to_the_drawing(canvas: Canvas, saved: Saved) -> None:
    page = canvas.page
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    second = page.context.new_page()
    second.goto(page.url)
    other = Canvas(second)
    other.wait()
    other.expect_shown(120, 60)
    other.drag((60, 140), (200, 140))
    other.expect_saved(2)
    canvas.drag((60, 220), (200, 220))
    expect(page.get_by_text("changed in another tab")).to_be_visible()
    assert len(saved().strokes) == 3
    page.get_by_role("button", name="Show all of it").click()
    canvas.expect_saved(3)
    for y in (60, 140, 220):
        canvas.expect_shown(120, y)


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
    studio: Studio, canvas: Canvas, saved: Saved, deed: Callable[[Canvas], None], left: int
) -> None:
    page = canvas.page
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
    assert len(saved().strokes) == left + 1


def test_canvas_stays_open_while_another_picture_is_on_its_way(canvas: Canvas) -> None:
    page = canvas.page
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
    canvas.wait()
    canvas.expect_shown(120, 60)
    canvas.expect_saved(1)


@pytest.mark.parametrize(
    ("deed", "word", "times", "strokes"), [(draw_another, STROKE, 2, 2), (undo, UNDO, 1, 0)]
)
def test_deed_that_the_server_dropped_is_told_again(
    canvas: Canvas, deed: Callable[[Canvas], None], word: str, times: int, strokes: int
) -> None:
    page = canvas.page
    canvas.drag((60, 60), (200, 60))
    canvas.expect_saved(1)
    settle(page)
    with Wire(page).cut(word, times):
        deed(canvas)
    canvas.expect_saved(strokes)


def test_stroke_that_the_server_dropped_at_the_heels_of_another_is_told_again(
    studio: Studio, canvas: Canvas
) -> None:
    page = canvas.page
    wire = Wire(page)
    with studio.still_web():  # so that the first is acknowledged after the second was made
        canvas.drag((60, 60), (200, 60))
        wire.expect_said(STROKE, 1)
        with wire.cut(STROKE, 2):
            draw_another(canvas)
    canvas.expect_saved(2)


def test_fault_of_the_options_leaves_canvas_and_strokes_where_they_are(
    studio: Studio, canvas: Canvas, saved: Saved
) -> None:
    page = canvas.page
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
    assert len(saved().strokes) == 2
