"""A cutout whose mask a person touches up: beside its result, and where it is run again."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.models import Job
from db.types import Lane, Origin
from studio.models.weights import Missing, WeightStore
from studio.params import CutoutParams
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import make_blob, make_job
from tests.pages.harness import Visit, jobs_of
from tests.pages.navigated import drop, markup, open_page
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("weights")]

WIDTH_PX, HEIGHT_PX = 24, 16


def cut_out(services: Services, owner: Actor) -> Job:
    """A finished cutout, whose alpha later runs may take over."""
    stored = store_upload(services, "cat.png", png())
    size = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
    with services.database.write() as session:
        outputs = {role: make_blob(session, **size) for role in ("image", "alpha")}
        image = make_blob(session, b"the picture", **size)
        job = make_job(session, owner, image=image, outputs=outputs, reuse_key="0" * 64)
        job.inputs[0].blob_sha256 = stored.sha256
        job_id = job.id
    return job_of(services.database, job_id)


def latest(services: Services, before: UUID) -> Job:
    """The one run that was submitted after ``before``."""
    [job] = [job for job in jobs_of(services) if job.id != before]
    return job


def files_of(job: Job) -> dict[str, str]:
    return {file.role: file.blob_sha256 for file in job.inputs}


def beside(visit: Visit, folder: Path, actor: Actor, job: Job) -> AppTest:
    return open_page(visit, folder, "CUTOUT", actor, job=job.id)


def test_cutout_result_takes_a_corrected_mask_and_runs_without_a_network(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first = cut_out(services, mei)
    page = beside(visit, tmp_path, mei, first)
    assert [each.label for each in page.button if each.label == "Apply"] == ["Apply"]
    drop(page, [("corrected.png", png(5, WIDTH_PX, HEIGHT_PX))])
    assert "corrected.png" in markup(page)
    page.button(key=f"correct.{first.id.hex}.apply").click().run()
    assert not page.exception
    again = latest(services, first.id)
    corrected = store_upload(services, "corrected.png", png(5, WIDTH_PX, HEIGHT_PX))
    assert files_of(again) == {"image": files_of(first)["image"], "alpha": corrected.sha256}
    assert (again.lane, again.parent_id, again.origin) == (Lane.CPU, first.id, Origin.EDIT)
    assert page.query_params["job"] == str(again.id)


def test_cutout_result_refuses_a_mask_of_another_size_where_it_is_dropped(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first = cut_out(services, mei)
    page = beside(visit, tmp_path, mei, first)
    drop(page, [("small.png", png(5, 10, 10))])
    [error] = page.error
    assert "small.png" in error.value
    assert "“Alpha mask” is 10 × 10 px and the picture 24 × 16." in error.value
    assert "Keep the size of the picture." in error.value
    assert [each.label for each in page.button if each.label == "Apply"] == ["Apply"]


def test_cutout_result_keeps_its_outline_where_only_the_edge_is_changed(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first = cut_out(services, mei)
    page = beside(visit, tmp_path, mei, first)
    page.button(key=f"refine.{first.id.hex}.apply").click().run()
    alpha = {file.role: file.blob_sha256 for file in first.outputs}["alpha"]
    assert files_of(latest(services, first.id))["alpha"] == alpha


def test_cutout_edge_changed_beside_a_dropped_mask_uses_the_outline_that_was_found(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first = cut_out(services, mei)
    page = beside(visit, tmp_path, mei, first)
    drop(page, [("corrected.png", png(5, WIDTH_PX, HEIGHT_PX))])
    page.button(key=f"refine.{first.id.hex}.apply").click().run()
    assert not page.exception
    alpha = {file.role: file.blob_sha256 for file in first.outputs}["alpha"]
    assert files_of(latest(services, first.id))["alpha"] == alpha


def with_mask(services: Services, owner: Actor) -> tuple[UUID, StoredFile]:
    """A run under a mask that its person gave, and that mask."""
    picture = store_upload(services, "cat.png", png())
    mask = store_upload(services, "corrected.png", png(5, WIDTH_PX, HEIGHT_PX))
    [job_id] = submit(services, owner, request(CutoutParams(), {"image": picture, "alpha": mask}))
    return job_id, mask


@pytest.mark.parametrize("is_kept", [True, False])
def test_cutout_from_a_run_under_a_given_mask_asks_whether_it_counts_again(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, is_kept: bool
) -> None:
    first, mask = with_mask(services, mei)
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": first})
    [kept] = [each for each in page.checkbox if "Use the mask given for" in each.label]
    assert kept.value
    if not is_kept:
        kept.uncheck().run()
    drop(page, [("dog.png", png(9))])
    page.button(key="cutout.run").click().run()
    assert not page.exception
    own, other = [job for job in jobs_of(services) if job.id != first]
    assert files_of(own).get("alpha") == (mask.sha256 if is_kept else None)
    assert "alpha" not in files_of(other)


def test_cutout_from_a_run_that_took_an_outline_over_asks_nothing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    maker = cut_out(services, mei)
    page = beside(visit, tmp_path, mei, maker)
    page.button(key=f"refine.{maker.id.hex}.apply").click().run()
    again = latest(services, maker.id)
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": again.id})
    assert not [each for each in page.checkbox if "Use the mask given for" in each.label]


def test_cutout_run_under_a_given_mask_again_needs_no_model(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, _ = with_mask(services, mei)
    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(("isnet.onnx",)))
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": first})
    [kept] = [each for each in page.checkbox if "Use the mask given for" in each.label]
    assert not page.button(key="cutout.run").disabled
    kept.uncheck().run()
    assert page.button(key="cutout.run").disabled
    kept.check().run()
    drop(page, [("dog.png", png(9))])
    assert page.button(key="cutout.run").disabled
