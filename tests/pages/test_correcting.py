"""Runs under a mask or drawing that a person gave: beside results, and where they are run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete
from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.models import Job, JobOutput
from db.states import JobState
from db.types import Lane, Origin, Visibility, utc_now
from studio.models.weights import Missing, WeightStore
from studio.params import CartoonParams, CartoonRegion, CutoutParams
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import make_actor, make_blob, make_job, make_record
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


def asked_again(page: AppTest) -> list[str]:
    return [each.label for each in page.checkbox if "Use the mask given for" in each.label]


def changed(services: Services, visit: Visit, folder: Path, actor: Actor, job: Job) -> Job:
    """A run from the outline of ``job``, with whatever edge."""
    known = {each.id for each in jobs_of(services)}
    beside(visit, folder, actor, job).button(key=f"refine.{job.id.hex}.apply").click().run()
    [again] = [each for each in jobs_of(services) if each.id not in known]
    return job_of(services.database, again.id)


def finish(services: Services, job: Job) -> Job:
    """``job`` as it is once it has made its files."""
    size = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
    with services.database.write() as session:
        now, found = utc_now(), session.get_one(Job, job.id)
        found.state, found.started_at, found.finished_at = JobState.SUCCEEDED, now, now
        found.record = make_record()
        for role in ("image", "alpha"):
            made = {"role": role, "blob_sha256": make_blob(session, **size).sha256}
            session.add(JobOutput(job_id=job.id, file_name=f"{role}.png", **made))
    return job_of(services.database, job.id)


@pytest.mark.parametrize("fate", ["there", "trash", "private", "purged"])
def test_cutout_from_a_run_that_took_an_outline_over_asks_nothing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, fate: str
) -> None:
    maker = cut_out(services, mei)
    again = changed(services, visit, tmp_path, mei, maker)
    with services.database.write() as session:
        row = session.get_one(Job, maker.id)
        if fate == "trash":
            row.deleted_at = utc_now()
        elif fate == "private":
            row.visibility, row.owner_id = Visibility.PRIVATE, make_actor(session).id
        elif fate == "purged":
            session.execute(delete(Job).where(Job.id == maker.id))
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": again.id})
    assert "cat.jpg" in markup(page)
    assert asked_again(page) == []


def test_cutout_from_a_run_whose_outline_was_changed_twice_asks_nothing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    once = finish(services, changed(services, visit, tmp_path, mei, cut_out(services, mei)))
    twice = changed(services, visit, tmp_path, mei, once)
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": twice.id})
    assert asked_again(page) == []


def test_cutout_from_a_run_that_changed_the_edge_of_a_given_mask_asks(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    under = finish(services, job_of(services.database, with_mask(services, mei)[0]))
    again = changed(services, visit, tmp_path, mei, under)
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": again.id})
    assert len(asked_again(page)) == 1


def test_cutout_from_a_run_of_another_tool_asks_nothing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    files = {
        "image": store_upload(services, "cat.png", png()),
        "alpha": store_upload(services, "corrected.png", png(5, WIDTH_PX, HEIGHT_PX)),
    }
    params = CartoonParams(region=CartoonRegion.SUBJECT)
    [drawn] = submit(services, mei, request(params, files))
    page = open_page(visit, tmp_path, "CUTOUT", mei, **{"from": drawn})
    drop(page, [("cat.png", png())])
    assert asked_again(page) == []


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


def drawn_from(
    services: Services, owner: Actor, *, width_px: int = WIDTH_PX, **options: Any
) -> tuple[UUID, dict[str, str]]:
    """A cartoon from a drawing and a mask that its person gave, and the digests of all files."""
    sizes = {"image": (1, WIDTH_PX), "render": (6, width_px), "alpha": (5, WIDTH_PX)}
    files = {
        role: store_upload(services, f"{role}.png", png(seed, width, HEIGHT_PX))
        for role, (seed, width) in sizes.items()
    }
    params = CartoonParams(long_side_px=None, **options)
    [job_id] = submit(services, owner, request(params, files))
    return job_id, {role: file.sha256 for role, file in files.items()}


@pytest.mark.parametrize("dropped", [[], ["render"], ["alpha"]])
def test_cartoon_from_a_run_under_what_was_given_asks_whether_that_counts_again(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, dropped: list[str]
) -> None:
    first, given = drawn_from(services, mei, region="subject")
    page = open_page(visit, tmp_path, "CARTOON", mei, **{"from": first})
    key = f"cartoon.{first.hex}"
    assert [page.checkbox(key=f"{key}.{role}.again").label for role in ("render", "alpha")] == [
        "Use the drawing given for image.png again, in place of a new one",
        "Use the mask given for image.png again, in place of the model",
    ]
    for role in dropped:
        page.checkbox(key=f"{key}.{role}.again").uncheck().run()
    page.button(key="cartoon.run").click().run()
    assert not page.exception
    again = files_of(latest(services, first))
    assert again == {role: digest for role, digest in given.items() if role not in dropped}


def test_cartoon_of_the_whole_picture_asks_for_no_mask_that_was_given(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first, _ = drawn_from(services, mei)
    page = open_page(visit, tmp_path, "CARTOON", mei, **{"from": first})
    assert [each.label for each in page.checkbox if "given for" in each.label] == [
        "Use the drawing given for image.png again, in place of a new one"
    ]


def test_cartoon_from_a_given_drawing_waits_while_the_result_would_have_another_size(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first, _ = drawn_from(services, mei)
    page = open_page(visit, tmp_path, "CARTOON", mei, **{"from": first})
    assert not page.warning
    page.selectbox(key=f"cartoon.{first.hex}.long_side_px").set_value("1024 px").run()
    [warning] = page.warning
    assert "The drawing given is 24 × 16 px" in warning.value
    assert page.button(key="cartoon.run").disabled
    page.checkbox(key=f"cartoon.{first.hex}.render.again").uncheck().run()
    assert not page.warning
    assert not page.button(key="cartoon.run").disabled


def test_cartoon_from_a_run_that_changed_only_the_strength_asks_nothing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    size = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
    with services.database.write() as session:
        outputs = {role: make_blob(session, **size) for role in ("image", "render", "alpha")}
        params = CartoonParams(region="subject").model_dump(mode="json")
        image = make_blob(session, **size)
        made = {"tool": "cartoon", "params": params, "outputs": outputs}
        first = make_job(session, mei, image=image, **made).id
    page = open_page(visit, tmp_path, "CARTOON", mei, job=first)
    page.button(key=f"refine.{first.hex}.apply").click().run()
    again = latest(services, first)
    assert files_of(again).keys() == {"image", "render", "alpha"}
    page = open_page(visit, tmp_path, "CARTOON", mei, **{"from": again.id})
    assert [each.label for each in page.checkbox if "given for" in each.label] == []
