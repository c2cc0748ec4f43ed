"""What a tool's page says of a run before it is submitted: its time, and when it may start."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from db.actor import Actor
from db.models import Blob
from db.repositories.workers import WorkerRepository
from db.states import JobState
from db.types import Lane, utc_now
from studio.params import CartoonParams, CartoonRegion, CutoutParams, ToolParams
from studio.record import RunRecord
from tasks.reuse import ReuseKeys
from tasks.services import Services
from tasks.submit import store_upload
from tests.factories import make_blob, make_job, make_record
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.navigated import drop, open_page
from tests.pictures import png

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("weights")]
SPARED = "Uses what is made already"
QUEUED = "other runs are before it"


@pytest.fixture
def _full_gpu_queue(services: Services, mei: Actor) -> None:
    """Networks have to wait for minutes; the lane of all else is empty."""
    long = make_record() | {"seconds": {"run": 300.0}}
    with services.database.write() as session:
        make_job(session, mei, record=long)
        for state in (JobState.RUNNING, JobState.QUEUED):
            make_job(session, mei, state=state)
        for lane in (Lane.GPU, Lane.CPU):
            WorkerRepository(session).report(
                f"{lane}@here:1", [lane], slots=1, started_at=utc_now()
            )


def make_earlier(
    services: Services, owner: Actor, params: ToolParams, *roles: str, data: bytes
) -> UUID:
    """A finished run on the picture ``data``, whose outputs in ``roles`` lie in storage."""
    sha256 = store_upload(services, "cat.png", data).sha256
    record = make_record(weights_sha256=None)
    made = ReuseKeys(services.settings, params).key_of_made(
        {"image": [sha256]}, RunRecord.model_validate(record)
    )
    assert made is not None
    with services.database.write() as session:
        image = session.get_one(Blob, sha256)
        size = {"width_px": image.width_px, "height_px": image.height_px}
        outputs = {role: make_blob(session, **size) for role in ("image", *roles)}
        return make_job(
            session, owner, tool=params.tool, params=params.model_dump(mode="json"),
            model=params.method, image=image, outputs=outputs, reuse_key=made[1], record=record,
        ).id  # fmt: skip


def says(page: AppTest, words: str) -> bool:
    assert not page.exception
    return any(words in each.value for each in page.caption)


@pytest.mark.usefixtures("_full_gpu_queue")
@pytest.mark.parametrize(("is_stored", "lane"), [(True, Lane.CPU), (False, Lane.GPU)])
def test_expectation_waits_for_networks_unless_an_alpha_is_stored(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, is_stored: bool, lane: Lane
) -> None:
    if is_stored:
        make_earlier(services, mei, CutoutParams(), "alpha", data=png(1))
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    drop(page, [("cat.png", png(1))])
    assert (says(page, SPARED), says(page, QUEUED)) == (is_stored, not is_stored)
    page.button(key="cutout.run").click().run()
    assert jobs_of(services)[-1].lane is lane


@pytest.mark.usefixtures("_full_gpu_queue")
def test_expectation_of_several_pictures_is_when_the_first_of_them_starts(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    make_earlier(services, mei, CutoutParams(), "alpha", data=png(1))
    page = open_page(visit, tmp_path, "CUTOUT", mei)
    drop(page, [("new.png", png(2)), ("cat.png", png(1))])
    assert (says(page, SPARED), says(page, QUEUED)) == (True, False)


@pytest.mark.usefixtures("_full_gpu_queue")
@pytest.mark.parametrize(
    ("roles", "region", "is_spared"),
    [
        (["render"], CartoonRegion.PICTURE, True),
        (["render"], CartoonRegion.SUBJECT, False),
        (["render", "alpha"], CartoonRegion.SUBJECT, True),
    ],
    ids=["whole", "outline to be found", "outline known"],
)
def test_expectation_of_a_stored_drawing_is_of_the_lane_that_it_goes_to(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    roles: list[str],
    region: CartoonRegion,
    *,
    is_spared: bool,
) -> None:
    first = make_earlier(services, mei, CartoonParams(), *roles, data=png(1))
    page = open_page(visit, tmp_path, "CARTOON", mei, job=first)
    page.selectbox(key=f"refine.{first.hex}.region").set_value(region).run()
    assert (says(page, SPARED), says(page, QUEUED)) == (is_spared, not is_spared)
    button(page, "Apply").click().run()
    assert jobs_of(services, "cartoon")[-1].lane is (Lane.CPU if is_spared else Lane.GPU)
