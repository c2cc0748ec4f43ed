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
from db.models import JobInput
from studio.errors import BusyError, StudioError, UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.words import msg
from tasks.services import Services
from tasks.submit import store_upload
from tests.pages.harness import Visit
from tests.pages.navigated import navigated
from tests.people import make_person
from tests.pictures import png

pytestmark = pytest.mark.slow

FIRST, LAST = (
    Stroke(kind=StrokeKind.BRUSH, points=((5, y), (50, y)), width_px=12) for y in (5, 30)
)
VIEW = View(0, 0, 60, 40, 60, 40)


@pytest.fixture
def page(services: Services, visit: Visit, tmp_path: Path) -> AppTest:
    """A picture that one stroke was painted on; another is told by the next run of the page."""
    mei = make_person(services)
    picture = store_upload(services, "cat.png", png(1, 60, 40))
    blank = drawings.blank(picture)
    drawings.save_change(services, mei, picture, blank, blank.with_strokes((FIRST,)))
    page = visit(navigated(tmp_path, "INPAINT"), mei)
    page.query_params["picture"] = picture.sha256
    page.run()
    easel: Easel = page.session_state["easels"][picture.sha256]
    easel.generations[1] = Generation(VIEW, easel.drawing.strokes)
    easel.waiting.append(to_canvas(blank.with_strokes((FIRST, LAST)), VIEW, generation=1))
    return page


def drawings_run(services: Services) -> list[int]:
    """How many strokes the drawing of each run has."""
    with services.database.read() as unit:
        found = unit.scalars(select(JobInput.blob_sha256).where(JobInput.role == "drawing")).all()
    return [len(Drawing.parse(services.blobs.read(one), file_name="").strokes) for one in found]


def refuse(patch: pytest.MonkeyPatch, error: StudioError) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    patch.setattr(easels, "read_canvas", fail)


def click_run(page: AppTest) -> None:
    page.button(key="inpaint.run").click().run()
    assert not page.exception


def test_inpaint_stroke_that_waits_is_not_left_out_of_the_run(
    services: Services, page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, BusyError(msg("Too many files are being read."), delay_s=1))
        page.run()
        click_run(page)
        assert drawings_run(services) == []
        assert page.error
    click_run(page)
    assert drawings_run(services) == [2]


def test_inpaint_run_without_a_stroke_that_was_refused_waits_until_that_was_said(
    services: Services, page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(
        monkeypatch,
        UserInputError(msg("It was not saved"), remedy=msg("Undo it."), code="drawing.too_complex"),
    )
    click_run(page)
    assert drawings_run(services) == []
    assert "It was not saved" in page.error[0].value
    click_run(page)
    assert drawings_run(services) == [1]
