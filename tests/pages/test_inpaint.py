from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.painting import drawings
from app.runs.page_memory import keep_tray, recall_options, recall_tray
from app.ui import masks, memory
from app.ui.masks import Start
from db.actor import Actor
from db.errors import DatabaseAwayError, DatabaseFullError
from db.models import Blob, Job, JobInput
from db.states import JobState
from db.types import Origin, Visibility
from studio.errors import RetriableError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.params import Filler, InpaintParams, MaskPreset
from studio.words import msg
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job, make_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import drop, markup, navigated
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.slow

STROKE = Stroke(kind=StrokeKind.BRUSH, points=((5, 5), (50, 30)), width_px=12)


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


@pytest.fixture
def picture(services: Services) -> StoredFile:
    return store_upload(services, "cat.png", png(1, 60, 40))


def drawing(*strokes: Stroke) -> Drawing:
    return Drawing(width_px=60, height_px=40, strokes=strokes)


def open_page(visit: Visit, folder: Path, actor: Actor, **query: str) -> AppTest:
    page = visit(navigated(folder, "INPAINT"), actor)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def open_picture(visit: Visit, folder: Path, actor: Actor) -> AppTest:
    page = open_page(visit, folder, actor)
    drop(page, [("cat.png", png(1, 60, 40))])
    assert not page.exception
    return page


def start_from(page: AppTest, start: str) -> None:
    [box] = [one for one in page.selectbox if one.label == "Start from"]
    box.set_value(start).run()
    assert not page.exception


def run_button(page: AppTest) -> bool:
    """Whether there is anything to run."""
    return not page.button(key="inpaint.run").disabled


def jobs_of(services: Services, tool: str = "inpaint") -> list[Job]:
    with services.database.read() as session:
        ids = session.scalars(select(Job.id).where(Job.tool == tool).order_by(Job.id)).all()
    return [load_job(services.database, job_id) for job_id in ids]


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
    [job] = jobs_of(services)
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
    [job] = jobs_of(services)
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
    [job] = jobs_of(services)
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
    [job] = jobs_of(services)
    assert given(job, "mask").blob_sha256 == alpha.sha256


def test_inpaint_saved_drawing_is_used_on_another_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_picture(visit, tmp_path, mei)
    page.text_input(key="named.name").set_value("Logo")
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


def open_pictures(visit: Visit, folder: Path, actor: Actor) -> AppTest:
    page = open_page(visit, folder, actor)
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
    jobs = jobs_of(services)
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
    assert [job.params["preset"] for job in jobs_of(services)] == ["corner", "corner"]


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
    page = open_page(visit, tmp_path, mei, **{"from": str(first)})
    assert "1 stroke, saved" in markup(page)
    assert "mask.png" in "".join(one.value for one in page.markdown)
    more = Stroke(kind=StrokeKind.BRUSH, points=((1, 1),), width_px=3)
    drawings.save_change(services, mei, picture, drawing(STROKE), drawing(STROKE, more))
    address = dict(page.query_params)
    page = open_page(visit, tmp_path, mei, **address)
    assert "2 strokes, saved" in markup(page)
    page.button(key="inpaint.run").click().run()
    again = jobs_of(services)[-1]
    assert (again.parent_id, again.origin) == (first, Origin.EDIT)
    assert InpaintParams.model_validate(again.params) == params
    assert {file.role for file in again.inputs} == {"image", "mask", "drawing"}


def test_inpaint_address_brings_back_only_ones_own_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, picture: StoredFile
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    address = {"picture": picture.sha256, "name": "cat.png"}
    page = open_page(visit, tmp_path, mei, **address)
    assert "1 stroke, saved" in markup(page)
    page = open_page(visit, tmp_path, make_person(services, "li"), **address)
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
    page = open_page(visit, tmp_path, mei, job=str(done))
    button(page, label).click().run()
    assert not page.exception
    assert '<p class="dr-filename">image.png' in markup(page)
    assert len(drawings.load_sheet(services, mei, result).drawing.strokes) == strokes
    [grow] = [one for one in page.number_input if one.label == "Grow"]
    assert grow.value == 9


def refuse(error: Exception) -> Callable[..., None]:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    return fail


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
    page = open_page(visit, tmp_path, mei, job=str(done))
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


def test_inpaint_stroke_too_small_for_the_preview_can_be_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    large = store_upload(services, "large.png", png(1, 3000, 2000))
    dot = Stroke(kind=StrokeKind.BRUSH, points=((1501, 1001),), width_px=2)
    blank = drawings.blank(large)
    drawings.save_change(services, mei, large, blank, blank.model_copy(update={"strokes": (dot,)}))
    page = open_page(visit, tmp_path, mei, picture=large.sha256, name="large.png")
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


def test_inpaint_options_that_cannot_be_kept_leave_the_canvas_and_are_kept_by_the_next_run(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    picture: StoredFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_picture(visit, tmp_path, mei)
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
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    picture: StoredFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawings.save_change(services, mei, picture, drawing(), drawing(STROKE))
    page = open_picture(visit, tmp_path, mei)
    busy = RetriableError(msg("Too many files are being read."), delay_s=1)
    monkeypatch.setattr(masks, "mask_figure", refuse(busy))
    page.run()
    assert "Too many files are being read." in page.error[0].value
    assert "dr-canvas-wait" in markup(page)
    assert "1 stroke, saved" in markup(page)


def given(job: Job, role: str) -> JobInput:
    [file] = [file for file in job.inputs if file.role == role]
    return file


def finish(
    services: Services,
    actor: Actor,
    tool: str,
    picture: StoredFile,
    made: dict[str, StoredFile],
    params: dict[str, Any] | None = None,
    painted: StoredFile | None = None,
) -> UUID:
    """A finished run of ``picture`` that made these files."""
    with services.database.write() as session:
        outputs = {role: session.get_one(Blob, file.sha256) for role, file in made.items()}
        image = session.get_one(Blob, picture.sha256)
        job = make_job(session, actor, tool=tool, params=params, image=image, outputs=outputs)
        if painted is not None:
            session.add(
                JobInput(
                    job_id=job.id,
                    role="drawing",
                    blob_sha256=painted.sha256,
                    file_name=painted.file_name,
                )
            )
        return job.id
