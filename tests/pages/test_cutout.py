from __future__ import annotations

from pathlib import Path

import pytest

from app.runs.sample import sample_picture
from db.actor import Actor
from db.states import JobState
from db.types import Origin, Role, Visibility
from studio.params import CutoutOutput, CutoutParams
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import make_blob, make_job
from tests.pages.harness import Visit, jobs_of
from tests.pages.navigated import drop, markup, open_page
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("weights")
def test_cutout_sample_is_submitted_with_the_chosen_options(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    assert page.button(key="cutout.run").disabled
    page.button(key="cutout.sample").click().run()
    page.slider(key="cutout.new.feather_px").set_value(3.0)
    page.checkbox(key="cutout.private").check().run()
    page.button(key="cutout.run").click().run()
    assert not page.exception
    [job] = jobs_of(services)
    assert (job.state, job.visibility) == (JobState.QUEUED, Visibility.PRIVATE)
    assert CutoutParams.model_validate(job.params) == CutoutParams(feather_px=3)
    assert job.inputs[0].file_name == sample_picture()[0]
    assert page.query_params["job"] == str(job.id)
    assert "In the queue" in markup(page)


@pytest.mark.usefixtures("weights")
def test_cutout_one_picture_is_taken_out_of_the_tray(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    drop(page, [("a.png", png(1)), ("b.png", png(2))])
    first = store_upload(services, "a.png", png(1))
    page.button(key=f"cutout.held.{first.sha256[:16]}.remove").click().run()
    assert not page.exception
    assert "a.png" not in markup(page)
    page.button(key="cutout.run").click().run()
    [job] = jobs_of(services)
    assert job.title == "b.png"


@pytest.mark.usefixtures("weights")
def test_cutout_several_files_become_a_batch_and_refusals_are_named(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    drop(page, [("a.png", png(1)), ("b.png", png(2)), ("c.png", b"no picture")])
    assert "c.png" in markup(page)
    assert "This is not a picture" in markup(page)
    page.button(key="cutout.run").click().run()
    jobs = jobs_of(services)
    assert [job.title for job in jobs] == ["a.png", "b.png"]
    assert len({job.batch_id for job in jobs}) == 1
    assert page.query_params["batch"] == str(jobs[0].batch_id)


@pytest.mark.usefixtures("weights")
def test_cutout_from_a_run_opens_filled_in(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png())
    params = CutoutParams(feather_px=4, keep_largest=True)
    [first] = submit(services, mei, request(params, {"image": stored}))
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    page.query_params["from"] = str(first)
    page.run()
    assert "cat.png" in markup(page)
    assert page.slider(key=f"cutout.{first.hex}.feather_px").value == 4
    assert page.toggle(key=f"cutout.{first.hex}.keep_largest").value
    page.button(key="cutout.run").click().run()
    again = next(job for job in jobs_of(services) if job.id != first)
    assert (again.parent_id, again.origin) == (first, Origin.EDIT)
    assert CutoutParams.model_validate(again.params) == params


@pytest.mark.usefixtures("weights")
def test_cutout_from_a_run_that_cannot_be_read_says_so_and_starts_as_usual(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        outputs = {"image": make_blob(session), "alpha": make_blob(session)}
        job_id = make_job(session, mei, params={"halo": 3}, outputs=outputs).id
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    page.query_params["from"] = str(job_id)
    page.run()
    [warning] = page.warning
    assert "halo: there is nothing of this name" in warning.value
    assert page.slider(key=f"cutout.{job_id.hex}.feather_px").value == 0
    page.query_params.clear()
    page.query_params["job"] = str(job_id)
    page.run()
    assert not page.exception
    assert "Apply" not in {each.label for each in page.button}


def test_cutout_without_weights_names_the_command(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.models.weights import Missing, WeightStore

    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(("isnet.onnx",)))
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    assert page.code[0].value == "studio weights pull isnet"
    page.button(key="cutout.sample").click().run()
    assert page.button(key="cutout.run").disabled


def test_cutout_viewer_is_offered_no_form(services: Services, visit: Visit, tmp_path: Path) -> None:
    page = open_page(visit, tmp_path, "CUTOUT", make_person(services, "reader", Role.VIEWER))
    assert "You can look, but not run" in markup(page)
    assert not page.file_uploader


@pytest.mark.usefixtures("weights")
def test_cutout_own_picture_must_be_given(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    page.button(key="cutout.sample").click().run()
    page.selectbox(key="cutout.new.output").set_value(CutoutOutput.PICTURE).run()
    page.button(key="cutout.run").click().run()
    assert "No picture was given for the background" in page.error[0].value
    assert not jobs_of(services)
    drop(page, [("sky.png", png(7))], zone=1)
    page.button(key="cutout.run").click().run()
    [job] = jobs_of(services)
    assert {file.role: file.file_name for file in job.inputs}["background"] == "sky.png"


@pytest.mark.usefixtures("weights")
def test_cutout_thresholds_that_leave_no_band_are_told_of_and_cannot_be_run(
    visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    page.button(key="cutout.sample").click().run()
    page.toggle(key="cutout.new.matting").set_value(True).run()
    page.number_input(key="cutout.new.foreground_threshold").set_value(5).run()

    assert not page.exception
    assert "background threshold must be below" in page.error[0].value
    assert page.button(key="cutout.run").disabled
