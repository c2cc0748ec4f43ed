"""The routes that show pictures and pack batches, and who may use them."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.renditions import DISPLAY_SIDE_PX
from app.security import session_cookie
from db.actor import Actor
from db.models import Blob, Job
from db.repositories.jobs import JobRepository
from db.types import Visibility
from tasks.files import keep
from tasks.services import Services
from tests.factories import load_job, make_job
from tests.people import make_person, sign_in
from tests.pictures import png


@pytest.fixture
def mei(services: Services, browser: TestClient) -> Actor:
    """Signed in at ``browser``."""
    actor = make_person(services)
    browser.cookies.set(session_cookie(services.settings), sign_in(services, actor)[0])
    return actor


def make_run(
    services: Services, owner: Actor, data: bytes, media_type: str = "image/png", **columns: object
) -> Job:
    """A finished run whose result is ``data``."""
    with Image.open(BytesIO(data)) as image:
        width_px, height_px = image.size
    stored = keep(
        services,
        data,
        file_name="cat.png",
        media_type=media_type,
        width_px=width_px,
        height_px=height_px,
    )
    with services.database.write() as session:
        outputs = {"image": session.get_one(Blob, stored.sha256)}
        job_id = make_job(session, owner, outputs=outputs, **columns).id
    return load_job(services.database, job_id)


def test_picture_small_one_is_sent_as_it_is(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    data = png()
    answer = browser.get(f"/pictures/{make_run(services, mei, data).outputs[0].id}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == data
    assert "attachment" not in answer.headers.get("content-disposition", "")


def test_picture_large_one_fits_a_screen_unless_full_is_asked(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    data = png(width_px=DISPLAY_SIDE_PX + 400, height_px=100)
    address = f"/pictures/{make_run(services, mei, data).outputs[0].id}"
    with Image.open(BytesIO(browser.get(address).content)) as shown:
        assert shown.width == DISPLAY_SIDE_PX
    assert browser.get(f"{address}?full").content == data


def test_picture_of_a_type_browsers_lack_is_converted(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    buffer = BytesIO()
    Image.new("RGB", (30, 20), "teal").save(buffer, "TIFF")
    job = make_run(services, mei, buffer.getvalue(), "image/tiff")
    for suffix in ("", "?full"):
        answer = browser.get(f"/pictures/{job.outputs[0].id}{suffix}")
        assert answer.headers["content-type"] == "image/webp"


def test_picture_of_a_private_run_is_for_its_owner(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    owner = make_person(services, "owner")
    job = make_run(services, owner, png(), visibility=Visibility.PRIVATE)
    assert browser.get(f"/pictures/{job.outputs[0].id}").status_code == 404


def test_picture_for_a_stranger_is_refused(services: Services, browser: TestClient) -> None:
    job = make_run(services, make_person(services), png())
    assert browser.get(f"/pictures/{job.outputs[0].id}").status_code == 401


def test_batch_is_packed_into_one_zip(services: Services, browser: TestClient, mei: Actor) -> None:
    with services.database.write() as session:
        batch_id = (
            JobRepository(session).add_batch(owner_id=mei.id, name="", tool="cutout", params={}).id
        )
    contents = [png(1), png(2)]
    for data in contents:
        make_run(services, mei, data, batch_id=batch_id)
    answer = browser.get(f"/batches/{batch_id}/results.zip")
    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(BytesIO(answer.content)) as archive:
        assert [archive.read(name) for name in archive.namelist()] == contents
    browser.cookies.clear()
    assert browser.get(f"/batches/{batch_id}/results.zip").status_code == 401
