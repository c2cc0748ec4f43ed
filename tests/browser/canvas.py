"""The canvas of the page Inpaint, as a hand with a mouse meets it."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image
from playwright.sync_api import FloatRect, Locator, Page, expect

from studio.imaging.drawing import Drawing
from tests.browser.steps import SignIn, drop, settle

WIDTH_PX, HEIGHT_PX = 600, 400
SPOT = (330, 220)
"""Where the object stands that is to go."""

OPEN = "html:not([data-dr-asked])"
"""A page where nothing is on its way that was asked for."""


Saved = Callable[[], Drawing]
"""What the record holds of the drawing on the meadow."""


def meadow() -> bytes:
    """A calm texture with a red object on it."""
    random = np.random.default_rng(5)
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    base = np.stack((90 + columns / 12, 150 + rows / 20, np.full(rows.shape, 80.0)), axis=-1)
    pixels = np.clip(base + random.normal(0, 6, base.shape), 0, 255)
    far = np.hypot(columns - SPOT[0], rows - SPOT[1])
    pixels[far < 22] = (225, 20, 30)
    file = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


class Canvas:
    """The canvas of a page, in pixels of the picture."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.layer: Locator = page.locator("canvas.upper-canvas")

    def wait(self) -> None:
        """Until it is there, has the size that it keeps, and is open."""
        settle(self.page)  # while it runs, one that comes may stand beside one that goes
        expect(self.layer).to_have_count(1)  # one that goes may stay for a moment
        expect(self.layer).to_be_visible()
        settle(self.page)
        last: FloatRect | None = None
        while (box := self.layer.bounding_box()) != last:
            last = box
            self.page.wait_for_timeout(400)  # the length of a glance: does it still move?
        self.page.wait_for_selector(OPEN, state="attached")

    def place(self, x: float, y: float) -> tuple[float, float]:
        self.layer.scroll_into_view_if_needed()
        box = self.layer.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"] / WIDTH_PX, box["y"] + y * box["height"] / HEIGHT_PX

    def drag(self, *points: tuple[float, float]) -> None:
        """One stroke, once the canvas is open."""
        self.page.wait_for_selector(OPEN, state="attached")
        self.drag_at_once(*points)

    def drag_at_once(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.place(*point), steps=6)
        self.page.mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.wait_for_selector(OPEN, state="attached")
        self.page.mouse.click(*self.place(x, y))

    def use(self, tool: str) -> None:
        self.page.get_by_role("radio", name=tool).click()
        expect(self.page.locator(f'.dc-root[data-tool="{tool}"]')).to_be_visible()
        settle(self.page)

    def zoom(self, zoom: str) -> None:
        """Choose a zoom and wait until the canvas shows it."""
        was_zoomed = self.page.get_by_alt_text("The whole picture").is_visible()
        self.page.get_by_role("radio", name=zoom).click()
        whole = self.page.get_by_alt_text("The whole picture")
        expect(whole).to_be_visible(visible=not was_zoomed)
        self.wait()

    def expect_saved(self, strokes: int) -> None:
        words = f"{strokes} stroke{'s' if strokes != 1 else ''}, saved"
        status = self.page.locator("[role=status]:not(#dr-away)")
        expect(status).to_have_text(words if strokes else "Nothing painted yet")

    def shows(self, x: float, y: float) -> bool:
        """Whether the browser shows paint at a place of the picture."""
        return bool(
            self.page.evaluate(
                """([x, y]) => {
                  for (const element of document.querySelectorAll("*")) {
                    const canvas = element.shadowRoot?.querySelector("canvas.dc-canvas");
                    if (!canvas) continue;
                    const at = [x * canvas.width, y * canvas.height].map(Math.floor);
                    const [red, , , alpha] = canvas.getContext("2d").getImageData(...at, 1, 1).data;
                    return alpha > 128 && red > 128;
                  }
                  return false;
                }""",
                [x / WIDTH_PX, y / HEIGHT_PX],
            )
        )

    def expect_shown(self, x: float, y: float, *, is_painted: bool = True) -> None:
        for _ in range(60):
            if self.shows(x, y) == is_painted:
                return
            self.page.wait_for_timeout(250)
        raise AssertionError(f"the canvas shows {'no ' if is_painted else ''}paint at {x}, {y}")


def open_canvas(page: Page, sign_in: SignIn, name: str) -> Canvas:
    """The page with the meadow on its canvas."""
    sign_in(page, name)
    page.goto("/inpaint")
    settle(page)
    drop(page, ("meadow.png", meadow()))
    canvas = Canvas(page)
    canvas.wait()
    return canvas
