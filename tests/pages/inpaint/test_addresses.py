from __future__ import annotations

from pathlib import Path

import pytest

from app.painting import drawings
from app.runs.keeping import show_to
from app.runs.page_memory import keep_tray, recall_tray
from db.actor import Actor
from db.errors import DatabaseAwayError
from db.types import Origin, Visibility
from studio.imaging.drawing import Stroke, StrokeKind
from studio.params import Filler, InpaintParams
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.inpaint.masking import STROKE, drawing, finish, refuse
from tests.pages.navigated import markup, navigated, open_page
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.slow


def test_inpaint_from_a_run_opens_filled_in_and_a_reload_leaves_it(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    mask = store_upload(services, "mask.png", png(9, 60, 40))
    item = {
        "image": picture,
        "mask": mask,
        "drawing": drawings.store_drawing(services, drawing(STROKE)),
    }
    params = InpaintParams(model=Filler.TELEA, grow_px=9, invert=True)
    [first] = submit(services, mei, request(params, item))
    page = open_page(visit, tmp_path, "INPAINT", mei, **{"from": str(first)})
    assert "1 stroke, saved" in markup(page)
    assert "mask.png" in "".join(one.value for one in page.markdown)
    more = Stroke(kind=StrokeKind.BRUSH, points=((1, 1),), width_px=3)
    drawings.save_change(services, mei, picture, drawing(STROKE), drawing(STROKE, more))
    address = dict(page.query_params)
    page = open_page(visit, tmp_path, "INPAINT", mei, **address)
    assert "2 strokes, saved" in markup(page)
    page.button(key="inpaint.run").click().run()
    again = jobs_of(services, "inpaint")[-1]
    assert (again.parent_id, again.origin) == (first, Origin.EDIT)
    assert InpaintParams.model_validate(again.params) == params
    assert {file.role for file in again.inputs} == {"image", "mask", "drawing"}


def test_inpaint_address_brings_back_only_ones_own_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    address = {"picture": picture.sha256, "name": "cat.png"}
    page = open_page(visit, tmp_path, "INPAINT", mei, **address)
    assert "1 stroke, saved" in markup(page)
    page = open_page(visit, tmp_path, "INPAINT", make_person(services, "li"), **address)
    assert "stroke" not in markup(page)
    assert page.button(key="inpaint.sample")


@pytest.mark.parametrize(("label", "strokes"), [("Keep the mask", 1), ("New mask", 0)])
def test_inpaint_result_is_the_next_picture(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    picture: StoredFile,
    label: str,
    strokes: int,
) -> None:
    result = store_upload(services, "cat-inpainted.png", png(5, 60, 40))
    painted = drawings.store_drawing(services, drawing(STROKE))
    params = InpaintParams(grow_px=9).model_dump(mode="json")
    done = finish(services, mei, "inpaint", picture, {"image": result}, params, painted)
    page = open_page(visit, tmp_path, "INPAINT", mei, job=str(done))
    button(page, label).click().run()
    assert not page.exception
    assert '<p class="dr-filename">image.png' in markup(page)
    assert len(drawings.load_sheet(services, mei, result).drawing.strokes) == strokes
    [grow] = [one for one in page.number_input if one.label == "Grow"]
    assert grow.value == 9


def test_inpaint_result_of_a_private_run_is_the_next_picture_of_one_that_begins_private(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    result = store_upload(services, "cat-inpainted.png", png(5, 60, 40))
    done = finish(services, mei, "inpaint", picture, {"image": result})
    show_to(services, mei, done, Visibility.PRIVATE)
    page = open_page(visit, tmp_path, "INPAINT", mei, job=str(done))
    button(page, "New mask").click().run()
    [private] = [one for one in page.checkbox if one.label == "Private"]
    assert private.value


def test_inpaint_result_whose_drawing_cannot_be_read_leaves_the_tray_as_it_was(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    picture: StoredFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = store_upload(services, "cat-inpainted.png", png(5, 60, 40))
    painted = drawings.store_drawing(services, drawing(STROKE))
    done = finish(services, mei, "inpaint", picture, {"image": result}, painted=painted)
    keep_tray(services, mei, "inpaint", [picture])
    page = open_page(visit, tmp_path, "INPAINT", mei, job=str(done))
    monkeypatch.setattr(drawings, "drawing_of", refuse(DatabaseAwayError()))
    button(page, "Keep the mask").click().run()
    assert [one.file for one in recall_tray(services, mei, "inpaint").files] == [picture]
    assert str(done) in page.query_params["job"]


def test_inpaint_old_drawing_that_could_not_be_saved_is_taken_by_the_next_run_of_the_page(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    picture: StoredFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    painted = drawings.store_drawing(services, drawing(STROKE))
    item = {"image": picture, "drawing": painted}
    [first] = submit(services, mei, request(InpaintParams(), item))
    page = visit(navigated(tmp_path, "INPAINT"), mei)
    page.query_params["from"] = str(first)
    with monkeypatch.context() as patch:
        patch.setattr(drawings, "put_in_place", refuse(DatabaseAwayError()))
        page.run()
    assert "drawing" not in page.query_params
    page.run()
    assert "1 stroke, saved" in markup(page)
