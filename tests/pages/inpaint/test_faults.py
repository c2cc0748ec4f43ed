from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.painting import drawings
from app.runs.page_memory import recall_options
from app.ui import masks, memory
from db.actor import Actor
from db.errors import DatabaseFullError
from studio.errors import RetriableError
from studio.params import InpaintParams
from studio.words import msg
from tasks.files import StoredFile
from tasks.services import Services
from tests.pages.harness import Visit
from tests.pages.inpaint.masking import STROKE, drawing, open_picture, refuse, run_button
from tests.pages.navigated import markup

pytestmark = pytest.mark.slow


@pytest.fixture
def page(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> AppTest:
    """Opened with a picture on which one stroke is painted."""
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    return open_picture(visit, tmp_path, mei)


def test_inpaint_options_that_cannot_be_kept_leave_the_canvas_and_are_kept_by_the_next_run(
    services: Services, mei: Actor, page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(memory, "keep_options", refuse(DatabaseFullError()))
        [invert] = [one for one in page.toggle if one.label == "Invert"]
        invert.set_value(True).run()
        assert not page.error
        assert "The disk of the database is full." in page.toast[0].value
        assert "1 stroke, saved" in markup(page)
        assert run_button(page)
    assert recall_options(services, mei, InpaintParams).params.get("invert") is False
    page.run()
    assert recall_options(services, mei, InpaintParams).params["invert"] is True


def test_inpaint_fault_of_the_options_leaves_the_canvas(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = RetriableError(msg("Too many files are being read."), delay_s=1)
    monkeypatch.setattr(masks, "mask_figure", refuse(busy))
    page.run()
    assert "Too many files are being read." in page.error[0].value
    assert "dr-canvas-wait" in markup(page)
    assert "1 stroke, saved" in markup(page)
