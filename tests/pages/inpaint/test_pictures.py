from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.painting import drawings
from app.ui.masks import Start
from db.actor import Actor
from db.states import JobState
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload
from tests.pages.harness import Visit, jobs_of
from tests.pages.inpaint.masking import STROKE, drawing, finish, given, run_button, start_from
from tests.pages.navigated import drop, markup, open_page
from tests.pictures import png

pytestmark = pytest.mark.slow


def open_pictures(visit: Visit, folder: Path, actor: Actor) -> AppTest:
    page = open_page(visit, folder, "INPAINT", actor)
    drop(page, [("cat.png", png(1, 60, 40)), ("dog.png", png(2, 30, 90))])
    assert not page.exception
    return page


def test_inpaint_several_pictures_are_run_each_with_its_own_drawing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    dog = store_upload(services, "dog.png", png(2, 30, 90))
    other = Stroke(kind=StrokeKind.BRUSH, points=((9, 9),), width_px=4)
    on_dog = Drawing(width_px=30, height_px=90, strokes=(other,))
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_pictures(visit, tmp_path, mei)
    assert not run_button(page)
    [warning] = page.warning
    assert warning.value == r"Not masked yet: dog.png. Paint on them, or take them out."

    drawings.save_change(services, mei, dog, drawings.blank(dog), on_dog)
    page.button(key=f"inpaint.held.{dog.sha256[:16]}.paint").click().run()
    assert page.query_params["picture"] == dog.sha256
    assert '<p class="dr-filename">dog.png' in markup(page)
    page.button(key="inpaint.run").click().run()
    jobs = jobs_of(services, "inpaint")
    assert len({job.batch_id for job in jobs}) == 1
    used = {job.title: given(job, "drawing").blob_sha256 for job in jobs}
    assert {
        title: Drawing.parse(services.blobs.read(digest), file_name="")
        for title, digest in used.items()
    } == {"cat.png": drawing(STROKE), "dog.png": on_dog}


def test_inpaint_drawing_is_copied_to_the_other_pictures_once(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_pictures(visit, tmp_path, mei)
    page.button(key="canvas.copy").click().run()
    page.button(key="canvas.copy").click().run()
    assert run_button(page)
    dog = store_upload(services, "dog.png", png(2, 30, 90))
    [stroke] = drawings.load_sheet(services, mei, dog).drawing.strokes
    assert stroke.points == ((2.5, 11.25), (25.0, 67.5))


def test_inpaint_ready_made_mask_does_for_every_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_pictures(visit, tmp_path, mei)
    start_from(page, Start.READY_MADE)
    page.button(key="inpaint.run").click().run()
    assert [job.params["preset"] for job in jobs_of(services, "inpaint")] == ["corner", "corner"]


def test_inpaint_outlines_of_several_pictures_are_each_ones_own(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    alpha = store_upload(services, "cat-alpha.png", png(4, 60, 40))
    finish(services, mei, "cutout", picture, {"alpha": alpha})
    page = open_pictures(visit, tmp_path, mei)
    start_from(page, "by-cutout")
    assert not run_button(page)
    page.button(key="inpaint.cutout.find").click().run()
    [search] = [job for job in jobs_of(services, "cutout") if job.state is JobState.QUEUED]
    assert [file.file_name for file in search.inputs] == ["dog.png"]


def test_inpaint_picture_taken_out_does_not_come_back_by_the_address(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_pictures(visit, tmp_path, mei)
    page.button(key=f"inpaint.held.{picture.sha256[:16]}.remove").click().run()
    assert not page.exception
    assert '<p class="dr-filename">dog.png' in markup(page)
    page.button(key="inpaint.remove").click().run()
    assert page.button(key="inpaint.sample")
    assert "picture" not in page.query_params


def test_refused_picture_among_others_is_named_once(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_pictures(visit, tmp_path, mei)
    drop(page, [("letter.png", b"Dear all")])
    assert not page.exception
    assert markup(page).count("letter.png") == 1
