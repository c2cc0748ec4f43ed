from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.people.tool_switches import switch
from db.actor import Actor
from db.models import Job
from db.repositories.blobs import BlobRepository
from db.states import JobState
from db.types import Lane, Origin, Role
from studio.params import ALL_LOOKS, CartoonParams, CartoonRegion, ImageFormat, Look
from studio.record import RunRecord
from tasks.files import keep
from tasks.reuse import ReuseKeys
from tasks.services import Services
from tests.factories import load_job, make_blob, make_job, make_record
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.navigated import drop, links, navigated, open_page
from tests.people import HERE, make_person
from tests.pictures import png

pytestmark = pytest.mark.slow


def group(page: AppTest, label: str) -> object:
    [found] = [each for each in page.segmented_control if each.label == label]
    return found


@pytest.mark.usefixtures("weights")
def test_cartoon_sample_is_submitted_with_the_chosen_options(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CARTOON", mei)
    page.button(key="cartoon.sample").click().run()
    group(page, "Look").set_value(Look.SKETCH).run()
    page.slider(key="cartoon.new.strength").set_value(0.9)
    page.selectbox(key="cartoon.new.long_side_px").set_value("As the photograph")
    page.selectbox(key="cartoon.new.region").set_value(CartoonRegion.BACKGROUND)
    page.run()
    page.button(key="cartoon.run").click().run()
    assert not page.exception
    [job] = jobs_of(services)
    assert CartoonParams.model_validate(job.params) == CartoonParams(
        look="sketch", strength=0.9, long_side_px=None, region=CartoonRegion.BACKGROUND
    )
    assert page.query_params["job"] == str(job.id)


@pytest.mark.usefixtures("weights")
def test_cartoon_several_pictures_become_a_batch_on_one_sheet_each(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "CARTOON", mei)
    drop(page, [("a.png", png(1)), ("b.png", png(2))])
    group(page, "Look").set_value(ALL_LOOKS).run()
    page.button(key="cartoon.run").click().run()
    jobs = jobs_of(services)
    assert [(job.title, job.model) for job in jobs] == [("a.png", "all"), ("b.png", "all")]
    assert len({job.batch_id for job in jobs}) == 1


def test_cartoon_without_the_networks_names_the_command(
    visit: Visit, tmp_path: Path, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.models.weights import Missing, WeightStore

    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(("a.onnx",)))
    page = open_page(visit, tmp_path, "CARTOON", mei)
    page.button(key="cartoon.sample").click().run()
    [command] = [code.value for code in page.code]
    assert command.startswith("studio weights pull ")
    assert {"facemesh", "realesr-animevideov3"} <= set(command.split())
    assert page.button(key="cartoon.run").disabled


def draw(services: Services, owner: Actor, *, look: str = "anime") -> Job:
    """A finished drawing whose picture is really stored."""
    image = keep(
        services, png(), file_name="cat.png", media_type="image/png", width_px=24, height_px=16
    )
    params = CartoonParams(look=look)
    with services.database.write() as session:
        [blob] = [
            found
            for sha256 in BlobRepository(session).known([image.sha256])
            if (
                found := BlobRepository(session).ensure(
                    sha256, size_bytes=1, media_type="image/png", width_px=24, height_px=16
                )
            )
        ]
        outputs = {"image": make_blob(session), "render": make_blob(session)}
        record = make_record(weights_sha256=None)
        made = ReuseKeys(services.settings, params).key_of_made(
            {"image": [image.sha256]}, RunRecord.model_validate(record)
        )
        assert made is not None
        job = make_job(
            session, owner, tool="cartoon", params=params.model_dump(mode="json"), model=look,
            image=blob, outputs=outputs, reuse_key=made[1], record=record, file_name="cat.png",
        )  # fmt: skip
    return load_job(services.database, job.id)


@pytest.mark.usefixtures("weights")
def test_cartoon_old_result_offers_no_new_run_while_the_tool_is_off(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    job = draw(services, mei)
    switch(services, make_person(services, "boss", Role.ADMIN), "cartoon", HERE, is_on=False)
    page = visit(navigated(tmp_path, "CARTOON"), mei)
    page.query_params["job"] = str(job.id)
    page.run()
    assert not page.exception
    assert "Apply" not in [each.label for each in page.button]
    assert "Run details" in links(page)
    assert not {"Edit and run again", "Cartoon"} & set(links(page))  # others may take its result


def test_cartoon_result_takes_another_strength_from_the_stored_drawing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first = draw(services, mei)
    page = open_page(visit, tmp_path, "CARTOON", mei)
    page.query_params["job"] = str(first.id)
    page.run()
    assert any("Uses what is made already" in each.value for each in page.caption)
    key = f"refine.{first.id.hex}"
    page.slider(key=f"{key}.strength").set_value(0.3)
    page.segmented_control(key=f"{key}.format").set_value(ImageFormat.WEBP).run()
    button(page, "Apply").click().run()
    assert not page.exception
    [again] = [job for job in jobs_of(services) if job.id != first.id]
    assert CartoonParams.model_validate(again.params) == CartoonParams(
        strength=0.3, format=ImageFormat.WEBP
    )
    render = {file.role: file.blob_sha256 for file in first.outputs}["render"]
    assert {file.role: file.blob_sha256 for file in again.inputs}["render"] == render
    assert (again.lane, again.parent_id, again.origin) == (Lane.CPU, first.id, Origin.EDIT)
    assert again.state is JobState.QUEUED
