from __future__ import annotations

from collections.abc import Iterator
from errno import ENOSPC
from time import monotonic
from types import SimpleNamespace
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from app.people.sessions import session_cookie
from app.runs import incoming as arrivals
from app.runs.incoming import incoming
from app.web import uploads
from app.web.application import create_middleware
from app.web.upkeep import tidy
from db.actor import Actor
from db.types import Role
from studio.errors import DiskFullError, StudioError, UserInputError
from tasks.authority import NotAllowedError
from tasks.services import Services
from tests.people import make_person, sign_in

PAGE = "a-page"


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryUploadedFileManager]:
    """What Streamlit holds, of a runtime with one open page."""
    manager = MemoryUploadedFileManager("/_stcore/upload_file")
    runtime = SimpleNamespace(
        uploaded_file_mgr=manager, is_active_session=lambda session_id: session_id == PAGE
    )
    monkeypatch.setattr(uploads.Runtime, "instance", lambda: runtime)
    incoming.cache_clear()
    yield manager
    for file_id, arrival in list(incoming()._arrivals.items()):
        incoming().drop(arrival.owner, file_id)


@pytest.fixture
def page(services: Services, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setitem(services.settings.__dict__, "max_upload_bytes", 1000)
    app = Starlette(middleware=create_middleware(services))
    headers = {"Origin": "http://studio.test"}
    client = TestClient(app, base_url="http://studio.test", headers=headers)
    sign(services, client, make_person(services))
    return client


def sign(services: Services, client: TestClient, actor: Actor) -> None:
    client.cookies.set(session_cookie(services.settings), sign_in(services, actor)[0])


def send(page: TestClient, size_bytes: int, *, session: str = PAGE, file_id: str = "") -> str:
    """Upload a file; its id, or the code of its refusal."""
    file_id = file_id or str(uuid4())
    address = f"/_stcore/upload_file/{session}/{file_id}"
    answer = page.put(address, files={"cat.png": ("cat.png", b"x" * size_bytes)})
    return file_id if answer.status_code == 204 else f"{answer.status_code} {answer.json()['code']}"


def send_in_chunks(page: TestClient, size_bytes: int, *, announced: int) -> str:
    """Upload a file of which its headers say another length; its id."""
    file_id = str(uuid4())
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="cat.png"\r\n\r\n'
    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(announced),
        "Transfer-Encoding": "chunked",
    }
    body = part + b"x" * size_bytes + b"\r\n--x--\r\n"
    address = f"/_stcore/upload_file/{PAGE}/{file_id}"
    assert page.put(address, content=body, headers=headers).status_code == 204
    return file_id


def test_upload_waits_on_disk_and_streamlit_holds_no_byte_of_it(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    file_id = send(page, 900)
    [record] = files.get_files(PAGE, [file_id])
    assert (record.name, record.data) == ("cat.png", b"")
    assert incoming().awaits(PAGE, since_s=0.0)
    assert not incoming().awaits("another-page", since_s=0.0)
    source = incoming().take(file_id)
    assert source is not None
    assert not isinstance(source, UserInputError)
    with source:
        assert source.read() == b"x" * 900
    assert incoming().take(file_id) is None


def test_upload_over_the_limit_reaches_the_page_as_a_refusal(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    file_id = send(page, 5_000)
    assert files.get_files(PAGE, [file_id])
    refusal = incoming().take(file_id)
    assert isinstance(refusal, UserInputError)
    assert refusal.code == "image.too_many_bytes"


def test_upload_far_over_the_limit_is_413(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    assert send(page, 1_100_000) == "413 request.too_large"
    assert not files.file_storage.get(PAGE)


def test_uploads_that_no_page_takes_are_bounded(
    page: TestClient, files: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MOST_PENDING_BYTES", 2_500)
    monkeypatch.setattr(arrivals, "MOST_PENDING_FILES", 3)
    kept = [send(page, 900) for _ in range(2)]
    refusal = incoming().take(send(page, 900))
    assert isinstance(refusal, UserInputError)
    assert refusal.code == "upload.too_many_pending"
    assert page.delete(f"/_stcore/upload_file/{PAGE}/{kept[0]}").status_code == 404
    taken = incoming().take(send(page, 900))
    assert not isinstance(taken, UserInputError | None)
    taken.close()


def test_uploads_of_many_files_that_no_page_takes_are_refused_each_until_too_many_are(
    page: TestClient, files: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MOST_PENDING_FILES", 1)
    monkeypatch.setattr(arrivals, "MOST_REFUSED_FILES", 2)
    sent = [send(page, size_bytes) for size_bytes in (5_000, 1, 0)]
    large, taken, refused = (incoming()._arrivals[file_id].source for file_id in sent)
    assert isinstance(large, StudioError)
    assert large.code == "image.too_many_bytes", "which leaves room for the next"
    assert not isinstance(taken, StudioError)
    assert isinstance(refused, StudioError)
    assert refused.code == "upload.too_many_pending"
    assert send(page, 1) == "413 upload.too_many_pending"


def test_upload_in_chunks_counts_for_what_it_has_whatever_length_is_announced(
    page: TestClient, files: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "MOST_PENDING_BYTES", 1_500)
    ids = [send_in_chunks(page, 400, announced=5) for _ in range(3)]
    waiting = [incoming()._arrivals[file_id] for file_id in ids]
    assert [one.size_bytes for one in waiting] == [400, 400, 0]
    assert [one.has_room for one in waiting] == [True, True, False]


def test_upload_that_nobody_wants_is_dropped_by_its_owner_alone(
    services: Services, page: TestClient, files: MemoryUploadedFileManager
) -> None:
    address = f"/_stcore/upload_file/{PAGE}/{(file_id := send(page, 900))}"
    own = dict(page.cookies)
    page.cookies.clear()
    sign(services, page, make_person(services, "eve"))
    page.delete(address)
    page.cookies.clear()
    page.cookies.update(own)
    refused = page.delete(address, headers={"Origin": "http://elsewhere.test"})
    assert refused.json()["code"] == "request.not_our_origin"
    assert file_id in incoming()._arrivals
    page.delete(address)
    assert file_id not in incoming()._arrivals


def test_upload_of_a_page_that_was_left_is_closed_as_the_disk_is_tidied(
    services: Services,
    page: TestClient,
    files: MemoryUploadedFileManager,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file_id = send(page, 900)
    tidy(services)
    assert file_id in incoming()._arrivals
    later_s = monotonic() + 3_700
    monkeypatch.setattr(arrivals, "monotonic", lambda: later_s)
    tidy(services)
    assert file_id not in incoming()._arrivals


@pytest.mark.parametrize(("session", "file_id"), [("gone", ""), (PAGE, "no-id")])
def test_upload_to_no_page_of_ours_is_refused(
    page: TestClient, files: MemoryUploadedFileManager, session: str, file_id: str
) -> None:
    assert send(page, 1, session=session, file_id=file_id) == "400 upload.no_page"


def test_upload_of_a_viewer_reaches_the_page_as_a_refusal(
    services: Services, page: TestClient, files: MemoryUploadedFileManager
) -> None:
    page.cookies.clear()
    sign(services, page, make_person(services, "vi", Role.VIEWER))
    refusal = incoming().take(send(page, 1))
    assert isinstance(refusal, NotAllowedError)
    assert refusal.code == "permission.may_not_run"


def test_upload_from_another_site_is_refused(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    page.headers["Origin"] = "http://elsewhere.test"
    assert send(page, 1) == "403 request.not_our_origin"


def test_upload_under_an_id_that_is_taken_is_refused(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    file_id = send(page, 900)
    assert send(page, 900, file_id=file_id) == "400 upload.already_sent"


def test_upload_on_a_full_disk_reaches_the_page_as_a_refusal_under_its_name(
    page: TestClient, files: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OSError(ENOSPC, "no room")

    monkeypatch.setattr("starlette.formparsers.UploadFile.write", fail)
    file_id = send(page, 900)
    [record] = files.get_files(PAGE, [file_id])
    assert record.name == "cat.png"
    assert isinstance(incoming().take(file_id), DiskFullError)
