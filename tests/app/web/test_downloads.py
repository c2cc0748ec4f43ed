from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import BytesIO
from threading import current_thread
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import Message

from app.api.fair_threads import FairTurns
from app.people.sessions import create_api_token
from app.runs.addresses import download_url, export_url, picture_url
from app.web import downloads
from app.web.downloads import content_disposition
from db.actor import Actor
from db.types import Visibility
from studio.imaging.thumbnail import THUMBNAIL_SIDE_PX
from studio.params import ImageFormat
from studio.storage.folder import FolderStore
from tasks.services import Services
from tests.app.web.picture_runs import make_run
from tests.people import HERE, make_person, open_session
from tests.pictures import png


def be(services: Services, browser: TestClient, actor: Actor) -> None:
    browser.cookies.set("studio", open_session(services, actor.id, HERE))


def test_download_gives_the_bytes_under_the_name_on_record(
    services: Services, browser: TestClient
) -> None:
    mei, data = make_person(services), png()
    job = make_run(services, mei, data, file_name="猫 & dog.png")
    be(services, browser, mei)
    answer = browser.get(download_url(job.inputs[0]))
    assert answer.content == data
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_ & dog.png\"; filename*=UTF-8''%E7%8C%AB%20%26%20dog.png"
    )
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert browser.get(download_url(job.outputs[0])).content == data


def test_download_of_a_file_with_another_kinds_suffix_is_named_by_its_bytes(
    services: Services, browser: TestClient
) -> None:
    mei = make_person(services)
    job = make_run(services, mei, png(), file_name="cat.jpeg")
    be(services, browser, mei)
    assert download_url(job.inputs[0]).endswith("/cat.png")
    answer = browser.get(download_url(job.inputs[0]))
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''cat.png")


def test_export_gives_the_result_in_the_format_asked_for(
    services: Services, browser: TestClient
) -> None:
    mei = make_person(services)
    result = make_run(services, mei, png()).outputs[0]
    be(services, browser, mei)
    answer = browser.get(export_url(result, ImageFormat.WEBP, 80))
    with Image.open(BytesIO(answer.content)) as image:
        assert (image.format, image.size) == ("WEBP", (24, 16))
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''image.webp")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_export_that_no_page_offers_is_not_found(services: Services, browser: TestClient) -> None:
    mei, li = make_person(services), make_person(services, "li")
    job = make_run(services, mei, png(), visibility=Visibility.PRIVATE)
    output_id, offered = job.outputs[0].id, export_url(job.outputs[0], ImageFormat.JPEG, 80)
    assert browser.get(offered).status_code == 401
    be(services, browser, mei)
    assert browser.get(offered).status_code == 200
    for other in (
        f"/exports/{output_id}/gif/80/cat.gif",
        f"/exports/{output_id}/jpeg/0/cat.jpg",
        f"/exports/{output_id}/jpeg/101/cat.jpg",
        f"/exports/{output_id}/jpeg/{'9' * 5_000}/cat.jpg",
        f"/exports/{job.inputs[0].id}/jpeg/80/cat.jpg",
    ):
        assert browser.get(other).status_code == 404
    be(services, browser, li)
    assert browser.get(offered).status_code == 404


def test_download_again_costs_no_bytes(services: Services, browser: TestClient) -> None:
    mei = make_person(services)
    url = download_url(make_run(services, mei, png()).outputs[0])
    be(services, browser, mei)
    etag = browser.get(url).headers["etag"]
    answer = browser.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_download_part_of_a_file_for_a_broken_connection(
    services: Services, browser: TestClient
) -> None:
    mei, data = make_person(services), png()
    url = download_url(make_run(services, mei, data).outputs[0])
    be(services, browser, mei)
    answer = browser.get(url, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, data[10:20])


def test_download_private_run_is_hidden_from_others_and_shown_to_admins(
    services: Services, browser: TestClient
) -> None:
    mei, li = make_person(services), make_person(services, "li")
    job = make_run(services, mei, png(1), visibility=Visibility.PRIVATE)
    urls = [
        download_url(job.outputs[0]),
        download_url(job.inputs[0]),
        f"/pictures/{job.outputs[0].id}",
        f"/thumbnails/{job.outputs[0].blob_sha256}",
    ]
    be(services, browser, li)
    assert [browser.get(url).status_code for url in urls] == [404] * 4
    be(services, browser, mei)
    assert [browser.get(url).status_code for url in urls] == [200] * 4


def test_download_revalidation_asks_for_permission_again(
    services: Services, browser: TestClient
) -> None:
    mei, li = make_person(services), make_person(services, "li")
    job = make_run(services, mei, png(2), visibility=Visibility.PRIVATE)
    etag = f'"{job.outputs[0].blob_sha256}"'
    be(services, browser, li)
    answer = browser.get(download_url(job.outputs[0]), headers={"If-None-Match": etag})
    assert answer.status_code == 404


def test_download_stranger_is_asked_to_sign_in(services: Services, browser: TestClient) -> None:
    job = make_run(services, make_person(services), png())
    assert browser.get(download_url(job.outputs[0])).status_code == 401
    assert browser.get(f"/thumbnails/{job.outputs[0].blob_sha256}").status_code == 401


def test_download_by_a_script_with_a_token(services: Services, browser: TestClient) -> None:
    mei, data = make_person(services), png()
    job = make_run(services, mei, data)
    token = create_api_token(services, mei, "export", HERE)
    headers = {"Authorization": f"Bearer {token}"}
    assert browser.get(download_url(job.outputs[0]), headers=headers).content == data


def test_download_unknown_file_is_404(services: Services, browser: TestClient) -> None:
    be(services, browser, make_person(services))
    assert browser.get(f"/files/{uuid4()}/cat.png").status_code == 404
    assert browser.get("/thumbnails/../../etc/passwd").status_code in (303, 404)


def test_download_file_swept_from_storage_is_410_with_a_sentence(
    services: Services, browser: TestClient
) -> None:
    mei = make_person(services)
    job = make_run(services, mei, png())
    services.blobs.delete(job.outputs[0].blob_sha256)
    be(services, browser, mei)
    assert browser.get(download_url(job.outputs[0])).status_code == 410


def test_picture_swept_from_storage_is_shown_as_gone(
    services: Services, browser: TestClient
) -> None:
    mei = make_person(services)
    job = make_run(services, mei, png(width_px=900, height_px=600))
    output = job.outputs[0]
    services.blobs.delete(output.blob_sha256)
    be(services, browser, mei)
    for url in (picture_url(output), f"/thumbnails/{output.blob_sha256}"):
        shown = browser.get(url, headers={"Accept": "image/avif,image/*,*/*;q=0.8"})
        assert shown.status_code == 410
        assert shown.headers["content-type"] == "image/svg+xml"
        assert "no longer stored" in shown.text
        told = browser.get(url)
        assert (told.status_code, told.json()["code"]) == (410, "storage.missing")


def test_thumbnail_is_a_small_jpeg_made_once(services: Services, browser: TestClient) -> None:
    mei = make_person(services)
    job = make_run(services, mei, png(width_px=900, height_px=600))
    be(services, browser, mei)
    url = f"/thumbnails/{job.outputs[0].blob_sha256}"
    answer = browser.get(url)
    with Image.open(BytesIO(answer.content)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == THUMBNAIL_SIDE_PX
    services.blobs.delete(job.outputs[0].blob_sha256)
    assert browser.get(url).content == answer.content


@given(st.text(min_size=1, max_size=60))
def test_content_disposition_is_one_safe_header_for_any_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:  # lone surrogates never leave a decoder
        return
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


@pytest.mark.parametrize("name", ["a.png", "a b.png", "a'b.png"])
def test_content_disposition_plain_name_is_kept(name: str) -> None:
    assert f'filename="{name}"' in content_disposition(name)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("bytes=9999999-", 416, "request.no_such_range"),
        ("bytes=5-2", 400, "request.unreadable"),
        ("lines=1-2", 400, "request.unreadable"),
    ],
)
def test_part_that_cannot_be_sent_is_refused_with_a_code_and_a_sentence(
    services: Services, browser: TestClient, asked: str, status: int, code: str
) -> None:
    person = make_person(services)
    browser.cookies.set("studio", open_session(services, person.id, HERE))
    [file] = make_run(services, person, png(1)).outputs
    answer = browser.get(download_url(file), headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].endswith(".")
    if status == 416:
        assert answer.headers["Content-Range"].startswith("bytes */")


def test_archive_is_made_outside_of_the_threads_that_all_share(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pieces(*_: object) -> Iterator[bytes]:
        for _number in range(2):
            yield current_thread().name.partition("_")[0].encode()

    be(services, browser, make_person(services))
    monkeypatch.setattr(downloads, "batch_results", lambda *_: ["a result"])
    monkeypatch.setattr(downloads, "stream_zip", pieces)
    assert browser.get(f"/batches/{uuid4()}/results.zip").content == b"person" * 2


def test_archive_beyond_the_turns_of_a_person_is_429(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(services, browser, make_person(services))
    monkeypatch.setattr(downloads, "batch_results", lambda *_: ["a result"])
    monkeypatch.setattr(downloads, "stream_zip", lambda *_: iter([b"zip"]))
    none = FairTurns(most_of_one=0, most_waiting_of_one=0)
    monkeypatch.setattr(downloads, "sending", lambda: none)
    answer = browser.get(f"/batches/{uuid4()}/results.zip")
    assert (answer.status_code, answer.json()["code"]) == (429, "request.too_many")


def test_picture_of_a_page_waits_for_no_download(
    services: Services, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = make_person(services)
    be(services, browser, mei)
    [output] = make_run(services, mei, png()).outputs
    monkeypatch.setattr(FolderStore, "local_path", lambda *_: None)  # as storage on a server
    none = FairTurns(most_of_one=0, most_waiting_of_one=0)
    monkeypatch.setattr(downloads, "sending", lambda: none)
    assert browser.get(download_url(output)).status_code == 429
    assert browser.get(picture_url(output)).content == png()


def test_download_of_who_went_away_waiting_frees_its_place() -> None:
    turns = FairTurns(most_of_one=1, most_waiting_of_one=1)
    sent: list[Message] = []

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def scene() -> None:
        async with turns.turn("mei"):
            for _ in range(3):
                waiting = downloads._Sent(iter([b"a piece"]), turns, "mei", "image/png", {})
                await asyncio.wait_for(waiting({}, gone, send), timeout=30)

    asyncio.run(scene())
    assert not sent


def test_download_with_token_and_cookie_is_by_the_token_as_in_rest(
    services: Services, browser: TestClient
) -> None:
    mei, li = make_person(services), make_person(services, "li")
    job = make_run(services, mei, png(), visibility=Visibility.PRIVATE)
    token = create_api_token(services, mei, "export", HERE)
    be(services, browser, li)
    headers = {"Authorization": f"Bearer {token}"}
    assert browser.get(download_url(job.outputs[0]), headers=headers).status_code == 200
