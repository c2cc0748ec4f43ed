from __future__ import annotations

from pathlib import Path

import pytest

from app.painting import drawings
from app.ui.masks import Start
from db.actor import Actor
from db.states import JobState
from db.types import Visibility
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.params import Filler, InpaintParams, MaskPreset
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.inpaint.masking import (
    STROKE,
    drawing,
    finish,
    given,
    open_picture,
    run_button,
    start_from,
)
from tests.pages.navigated import drop, markup, open_page
from tests.pictures import png

pytestmark = pytest.mark.slow


def test_inpaint_without_a_mask_cannot_be_run(visit: Visit, tmp_path: Path, mei: Actor) -> None:
    page = open_picture(visit, tmp_path, mei)
    assert "Nothing is masked yet" in markup(page)
    assert not run_button(page)


def test_inpaint_ready_made_mask_is_submitted(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_picture(visit, tmp_path, mei)
    start_from(page, Start.READY_MADE)
    assert "of the picture" in markup(page)
    [preset] = [one for one in page.segmented_control if one.label == "Ready-made mask"]
    preset.set_value(MaskPreset.CENTRE).run()
    page.checkbox(key="inpaint.private").check().run()
    page.button(key="inpaint.run").click().run()
    [job] = jobs_of(services, "inpaint")
    params = InpaintParams.model_validate(job.params)
    assert (params.preset, params.model) == (MaskPreset.CENTRE, Filler.AUTO)
    assert (job.visibility, job.state) == (Visibility.PRIVATE, JobState.QUEUED)
    assert [file.role for file in job.inputs] == ["image"]
    assert page.query_params["job"] == str(job.id)


def test_inpaint_painted_drawing_is_found_and_submitted(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_picture(visit, tmp_path, mei)
    assert "1 stroke, saved" in markup(page)
    page.button(key="inpaint.run").click().run()
    [job] = jobs_of(services, "inpaint")
    painted = given(job, "drawing")
    data = services.blobs.read(painted.blob_sha256)
    assert Drawing.parse(data, file_name=painted.file_name) == drawing(STROKE)
    assert (painted.file_name, painted.blob.media_type) == ("drawing.json", "application/json")


def test_inpaint_uploaded_mask_is_submitted(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_picture(visit, tmp_path, mei)
    start_from(page, Start.UPLOAD)
    drop(page, [("mask.png", png(9, 60, 40))], zone=1)
    assert run_button(page)
    page.button(key="inpaint.run").click().run()
    [job] = jobs_of(services, "inpaint")
    assert {file.role: file.file_name for file in job.inputs}["mask"] == "mask.png"


@pytest.mark.parametrize(("start", "tool"), [("by-cutout", "cutout"), ("by-faces", "faces")])
def test_inpaint_mask_of_another_tool_is_asked_for_in_one_click(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, start: str, tool: str
) -> None:
    page = open_picture(visit, tmp_path, mei)
    start_from(page, start)
    page.button(key=f"inpaint.{tool}.find").click().run()
    [job] = jobs_of(services, tool)
    assert (job.owner_id, job.visibility) == (mei.id, Visibility.PRIVATE)
    assert "In the queue" in markup(page)
    assert not run_button(page)


def test_inpaint_outline_of_an_earlier_cutout_is_taken(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    alpha = store_upload(services, "cat-alpha.png", png(4, 60, 40))
    finish(services, mei, "cutout", picture, {"alpha": alpha})
    page = open_picture(visit, tmp_path, mei)
    start_from(page, "by-cutout")
    page.button(key="inpaint.run").click().run()
    [job] = jobs_of(services, "inpaint")
    assert given(job, "mask").blob_sha256 == alpha.sha256


def test_inpaint_saved_drawing_is_used_on_another_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_picture(visit, tmp_path, mei)
    page.text_input(key="named.name-0").set_value("Logo")
    button(page, "Save this drawing").click().run()
    page.button(key="inpaint.remove").click().run()
    drop(page, [("big.png", png(3, 120, 80))])
    button(page, "Logo").click().run()
    assert not page.exception
    big = store_upload(services, "big.png", png(3, 120, 80))
    [stroke] = drawings.load_sheet(services, mei, big).drawing.strokes
    assert stroke.points == ((10.0, 10.0), (100.0, 60.0))
    assert stroke.width_px == 24
    button(page, "Delete").click().run()
    assert not drawings.named_drawings(services, mei)


def test_inpaint_stroke_too_small_for_the_preview_can_be_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    large = store_upload(services, "large.png", png(1, 3000, 2000))
    dot = Stroke(kind=StrokeKind.BRUSH, points=((1501, 1001),), width_px=2)
    blank = drawings.blank(large)
    drawings.save_change(services, mei, large, blank, blank.model_copy(update={"strokes": (dot,)}))
    page = open_page(visit, tmp_path, "INPAINT", mei, picture=large.sha256, name="large.png")
    assert "Repaints less than 0.1 % of the picture" in markup(page)
    assert run_button(page)


def test_inpaint_painting_that_was_erased_again_cannot_be_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    eraser = STROKE.model_copy(update={"erases": True, "width_px": 20})
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE, eraser))
    page = open_picture(visit, tmp_path, mei)
    assert "Nothing is masked yet" in markup(page)
    assert not run_button(page)


def test_inpaint_full_mask_inverted_cannot_be_run(visit: Visit, tmp_path: Path, mei: Actor) -> None:
    page = open_picture(visit, tmp_path, mei)
    start_from(page, Start.READY_MADE)
    [preset] = [one for one in page.segmented_control if one.label == "Ready-made mask"]
    preset.set_value(MaskPreset.FULL).run()
    assert run_button(page)
    [invert] = [one for one in page.toggle if one.label == "Invert"]
    invert.set_value(True).run()
    assert "Nothing is masked yet" in markup(page)
    assert not run_button(page)
