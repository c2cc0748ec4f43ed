"""The routes that show pictures and pack batches, and who may use them."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest
from PIL import ExifTags, Image
from starlette.testclient import TestClient

from app.people.sessions import session_cookie
from db.actor import Actor
from db.models import Blob
from db.repositories.submissions import SubmissionRepository
from db.types import Visibility
from studio.imaging.reduced import DISPLAY_SIDE_PX
from tasks.files import keep
from tasks.services import Services
from tests.app.web.picture_runs import make_run
from tests.factories import load_job, make_job
from tests.people import make_person, sign_in
from tests.pictures import png


@pytest.fixture
def mei(services: Services, browser: TestClient) -> Actor:
    """Signed in at ``browser``."""
    actor = make_person(services)
    browser.cookies.set(session_cookie(services.settings), sign_in(services, actor)[0])
    return actor


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
    job = make_run(services, mei, buffer.getvalue(), media_type="image/tiff")
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
        submissions = SubmissionRepository(session)
        batch_id = submissions.add_batch(owner_id=mei.id, name="", tool="cutout", params={}).id
    contents = [png(1), png(2)]
    for data in contents:
        make_run(services, mei, data, batch_id=batch_id)
    answer = browser.get(f"/batches/{batch_id}/results.zip")
    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(BytesIO(answer.content)) as archive:
        assert [archive.read(name) for name in archive.namelist()] == contents
    browser.cookies.clear()
    assert browser.get(f"/batches/{batch_id}/results.zip").status_code == 401


def test_picture_that_was_brought_is_shown_without_what_its_file_says(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    exif, buffer = Image.Exif(), BytesIO()
    exif[ExifTags.Base.Artist] = "Somebody"
    Image.new("RGB", (30, 20), "teal").save(buffer, "JPEG", exif=exif)
    stored = keep(services, buffer.getvalue(), file_name="cat.jpg", media_type="image/jpeg")
    with services.database.write() as session:
        image = session.get_one(Blob, stored.sha256)
        job_id = make_job(session, mei, image=image, file_name="cat.jpg").id
    file_id = load_job(services.database, job_id).inputs[0].id
    addresses = (
        f"/pictures/{file_id}",
        f"/pictures/{file_id}?full",
        f"/thumbnails/{stored.sha256}",
    )
    for address in addresses:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert b"Somebody" not in answer.content
        with Image.open(BytesIO(answer.content)) as shown:
            assert shown.size == (30, 20)
    assert b"Somebody" in browser.get(f"/files/{file_id}/cat.jpg").content


def test_picture_that_cannot_be_read_in_time_says_so(
    services: Services, browser: TestClient, mei: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.imaging.confined.TIME_LIMIT_S", 0.001)
    job = make_run(services, mei, png(width_px=DISPLAY_SIDE_PX + 400, height_px=100))
    address = f"/pictures/{job.outputs[0].id}"
    shown = browser.get(address, headers={"Accept": "image/avif,image/*,*/*;q=0.8"})
    assert shown.status_code == 422
    assert "cannot be shown" in shown.text
    told = browser.get(address)
    assert (told.status_code, told.json()["code"]) == (422, "image.too_slow")
