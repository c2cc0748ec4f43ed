from __future__ import annotations

from collections.abc import Iterator
from errno import ENOSPC
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
from db.actor import Actor
from db.types import Role
from studio.errors import UserInputError
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
    for file_id in list(incoming()._arrivals):
        incoming().drop(file_id)


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


def test_upload_waits_on_disk_and_streamlit_holds_no_byte_of_it(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    file_id = send(page, 900)
    [record] = files.get_files(PAGE, [file_id])
    assert (record.name, record.data) == ("cat.png", b"")
    source = incoming().take(file_id)
    assert source is not None
    assert not isinstance(source, UserInputError)
    with source:
        assert source.read() == b"x" * 900
    assert incoming().take(file_id) is None


def test_upload_over_the_limit_reaches_the_page_as_a_refusal_that_names_it(
    page: TestClient, files: MemoryUploadedFileManager
) -> None:
    file_id = send(page, 5_000)
    assert files.get_files(PAGE, [file_id])
    refusal = incoming().take(file_id)
    assert isinstance(refusal, UserInputError)
    assert (refusal.file_name, refusal.code) == ("cat.png", "image.too_many_bytes")


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
    incoming().drop(kept[0])
    taken = incoming().take(send(page, 900))
    assert not isinstance(taken, UserInputError | None)
    taken.close()
    for _ in range(2):
        send(page, 5_000)
    assert send(page, 1) == "413 upload.too_many_pending"


@pytest.mark.parametrize(("session", "file_id"), [("gone", ""), (PAGE, "no-id")])
def test_upload_to_no_page_of_ours_is_refused(
    page: TestClient, files: MemoryUploadedFileManager, session: str, file_id: str
) -> None:
    assert send(page, 1, session=session, file_id=file_id) == "400 upload.no_page"


def test_upload_of_a_viewer_is_refused_before_it_is_kept(
    services: Services, page: TestClient, files: MemoryUploadedFileManager
) -> None:
    page.cookies.clear()
    sign(services, page, make_person(services, "vi", Role.VIEWER))
    assert send(page, 1) == "403 permission.may_not_run"


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


def test_upload_on_a_full_disk_is_507(
    page: TestClient, files: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OSError(ENOSPC, "no room")

    monkeypatch.setattr("starlette.formparsers.UploadFile.write", fail)
    assert send(page, 900) == "507 storage.full"
