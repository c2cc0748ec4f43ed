"""Runs of what was painted a moment ago."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.painting import drawings
from app.painting.canvas_json import View, to_canvas
from app.ui.canvas import easel as easels
from app.ui.canvas.easel import Easel, Generation
from db.actor import Actor
from db.models import JobInput
from studio.errors import BusyError, StudioError, UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.words import msg
from tasks.files import StoredFile
from tasks.services import Services
from tests.pages.harness import Visit, button
from tests.pages.inpaint.masking import refuse
from tests.pages.navigated import open_page

pytestmark = pytest.mark.slow

FIRST, LAST = (
    Stroke(kind=StrokeKind.BRUSH, points=((5, y), (50, y)), width_px=12) for y in (5, 30)
)
BUSY = BusyError(msg("Too many files are being read."), delay_s=1)
VIEW = View(0, 0, 60, 40, 60, 40)


@pytest.fixture
def page(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> AppTest:
    """A picture that one stroke was painted on; another is told by the next run of the page."""
    blank = drawings.blank(picture)
    drawings.save_change(services, mei, picture, blank, blank.with_strokes((FIRST,)))
    page = open_page(visit, tmp_path, "INPAINT", mei, picture=picture.sha256)
    easel: Easel = page.session_state["easels"][picture.sha256]
    page.session_state[easel.key] = {}  # its canvas stays on the page
    easel.generations[1] = Generation(VIEW, easel.drawing.strokes)
    easel.waiting.append(to_canvas(blank.with_strokes((FIRST, LAST)), VIEW, generation=1))
    return page


def drawings_run(services: Services) -> list[int]:
    """How many strokes the drawing of each run has."""
    with services.database.read() as unit:
        found = unit.scalars(select(JobInput.blob_sha256).where(JobInput.role == "drawing")).all()
    return [len(Drawing.parse(services.blobs.read(one), file_name="").strokes) for one in found]


def unread(patch: pytest.MonkeyPatch, error: StudioError) -> None:
    """From now on nothing that the canvas tells can be read."""
    patch.setattr(easels, "read_canvas", refuse(error))


def click_run(page: AppTest) -> None:
    page.button(key="inpaint.run").click().run()
    assert not page.exception


def test_inpaint_stroke_that_waits_is_not_left_out_of_the_run(
    services: Services, page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        unread(patch, BUSY)
        page.run()
        click_run(page)
        assert drawings_run(services) == []
        assert page.error
    click_run(page)
    assert drawings_run(services) == [2]


def test_inpaint_run_without_a_stroke_that_was_refused_waits_until_that_was_said(
    services: Services, page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread(
        monkeypatch,
        UserInputError(msg("It was not saved"), remedy=msg("Undo it."), code="drawing.too_complex"),
    )
    click_run(page)
    assert drawings_run(services) == []
    assert "It was not saved" in page.error[0].value
    click_run(page)
    assert drawings_run(services) == [1]


def save_as(page: AppTest, name: str) -> None:
    [field] = [one for one in page.text_input if one.label == "Name"]
    field.set_value(name)
    button(page, "Save this drawing").click().run()
    assert not page.exception


def strokes_kept(services: Services, actor: Actor) -> list[int]:
    """How many strokes each drawing has that was kept under a name."""
    kept = drawings.named_drawings(services, actor)
    read = (drawings.read_named(services, actor, one.id) for one in kept)
    return [len(one.strokes) for one in read if one]


def test_inpaint_drawing_that_is_kept_by_name_has_the_stroke_that_was_on_its_way(
    services: Services, page: AppTest, mei: Actor
) -> None:
    save_as(page, "Logo")
    assert strokes_kept(services, mei) == [2]


def test_inpaint_drawing_that_cannot_be_kept_leaves_its_name_and_says_why(
    services: Services, page: AppTest, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        unread(patch, BUSY)
        page.run()
        save_as(page, "Logo")
        assert "Too many files are being read." in page.error[0].value
        assert strokes_kept(services, mei) == []
    button(page, "Save this drawing").click().run()
    assert strokes_kept(services, mei) == [2]


def test_inpaint_drawing_without_a_name_is_not_kept_however_many_were_before(
    services: Services, page: AppTest, mei: Actor
) -> None:
    save_as(page, "Logo")
    save_as(page, "")
    assert [one.value for one in page.error] == ["Give it a name first."]
    assert strokes_kept(services, mei) == [2]
