from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Never
from unittest.mock import Mock
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from app.people.sessions import session_cookie
from app.weights import management as weights
from app.weights import worker
from app.weights.background import KEPT_FOR, WeightWork, WorkFolder, WorkState
from app.weights.worker import perform
from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.types import Role, utc_now
from studio.models.catalogue import Catalogue
from studio.models.weights import Installed, Missing
from tasks.authority import NotAllowedError
from tasks.services import Services
from tests.people import HERE, make_person, sign_in
from tests.studio.models.weight_factories import (
    FileServer,
    Served,
    file_server,
    make_file,
    make_model,
)

pytestmark = pytest.mark.slow

DATA = b"weights" * 1000


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/net.onnx"] = Served(DATA)
        yield running


@pytest.fixture
def folder(services: Services, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> WorkFolder:
    """A catalogue of one small model; work is noted and started by the test itself."""
    file = make_file("net.onnx", DATA, server.source("/net.onnx"))
    catalogue = Catalogue((make_model(file, id="tiny"),))
    monkeypatch.setattr(weights, "load_catalogue", lambda: catalogue)
    monkeypatch.setattr("app.weights.background.subprocess.Popen", Mock())
    return WorkFolder(services.settings)


@pytest.fixture
def boss(services: Services) -> Actor:
    return make_person(services, "boss", Role.ADMIN)


def audited(services: Services, actor: Actor) -> list[tuple[str, str]]:
    with services.database.read() as session:
        rows = AuditRepository(session).page(actor)
    return [(row.action, row.subject) for row in rows if row.action.startswith("weights.")][::-1]


def test_pull_installs_and_leaves_its_story(
    services: Services, folder: WorkFolder, boss: Actor
) -> None:
    work = weights.pull(services, "tiny", by=boss, visitor=HERE)
    assert work.state is WorkState.WAITING
    assert weights.pull(services, "tiny", by=boss, visitor=HERE).id == work.id

    with folder.holding(work):
        perform(services, folder, work)

    [done] = folder.all()
    assert done.state is WorkState.DONE
    assert "is installed" in str(done.message)
    store = weights.open_store(services.settings)
    assert isinstance(store.status("tiny"), Installed)
    assert isinstance(weights.verify(services, "tiny", by=boss, visitor=HERE), Installed)
    assert weights.delete(services, "tiny", by=boss, visitor=HERE) == len(DATA)
    assert isinstance(store.status("tiny"), Missing)
    assert audited(services, boss) == [
        ("weights.pull", "tiny"),
        ("weights.pull", "tiny"),
        ("weights.pull_done", "tiny"),
        ("weights.verify", "tiny"),
        ("weights.delete", "tiny"),
    ]


def test_pull_of_other_bytes_fails_with_reason_and_remedy(
    services: Services, folder: WorkFolder, boss: Actor, server: FileServer
) -> None:
    server.files["/net.onnx"] = Served(DATA[:-1] + b"x")
    work = weights.pull(services, "tiny", by=boss, visitor=HERE)

    perform(services, folder, work)

    [failed] = folder.all()
    assert failed.state is WorkState.FAILED
    assert "not the file the catalogue means" in str(failed.message)
    assert "studio weights import FILE" in str(failed.message)
    assert audited(services, boss)[-1] == ("weights.pull_failed", "tiny")


def test_unforeseen_fault_is_no_silence(
    services: Services, folder: WorkFolder, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = weights.pull(services, "tiny", by=boss, visitor=HERE)
    monkeypatch.setattr("app.weights.worker.open_store", lambda _: None)

    perform(services, folder, work)

    [failed] = folder.all()
    assert failed.state is WorkState.FAILED
    assert "did not foresee" in str(failed.message)


def test_work_whose_process_died_counts_as_interrupted(folder: WorkFolder) -> None:
    work = folder.pull("tiny", actor_id=None, ip="")
    with folder.holding(work):
        folder.write(work.model_copy(update={"state": WorkState.RUNNING}))
        assert folder.all()[0].state is WorkState.RUNNING

    [interrupted] = folder.all()
    assert interrupted.state is WorkState.FAILED
    assert "Install it again" in str(interrupted.message)
    folder.dismiss(interrupted)
    assert folder.all() == []


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_stop_and_dismiss_are_for_admins_alone(
    services: Services, folder: WorkFolder, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    other = make_person(services, role=role)
    killed: list[int] = []
    monkeypatch.setattr("app.weights.background.os.killpg", lambda pid, _: killed.append(pid))
    work = folder.pull("tiny", actor_id=None, ip="")
    with folder.holding(work):
        folder.write(work.model_copy(update={"state": WorkState.RUNNING, "process_id": 4242}))
        with pytest.raises(NotAllowedError) as refusal:
            weights.stop(services, work, by=other, visitor=HERE)
        assert refusal.value.code == "permission.not_admin"
    [over] = folder.all()
    with pytest.raises(NotAllowedError):
        weights.dismiss(services, over, by=other, visitor=HERE)
    assert not killed
    assert folder.all() == [over]


def test_stop_and_dismiss_leave_their_entries_in_the_audit(
    services: Services, folder: WorkFolder, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr("app.weights.background.os.killpg", lambda pid, _: killed.append(pid))
    work = folder.pull("tiny", actor_id=None, ip="")
    with folder.holding(work):
        folder.write(work.model_copy(update={"state": WorkState.RUNNING, "process_id": 4242}))
        weights.stop(services, work, by=boss, visitor=HERE)
    assert killed == [4242]
    weights.dismiss(services, folder.all()[0], by=boss, visitor=HERE)
    assert folder.all() == []
    assert audited(services, boss) == [
        ("weights.pull_stopped", "tiny"),
        ("weights.pull_dismissed", "tiny"),
    ]


def test_work_that_is_under_way_cannot_be_dismissed(folder: WorkFolder) -> None:
    work = folder.pull("tiny", actor_id=None, ip="")
    folder.dismiss(work)
    assert [one.id for one in folder.all()] == [work.id]


def test_old_work_and_what_never_arrived_whole_are_forgotten(
    folder: WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = folder.pull("tiny", actor_id=None, ip="")
    old = {"state": WorkState.DONE, "changed_at": utc_now() - KEPT_FOR - timedelta(hours=1)}
    folder.write(work.model_copy(update=old))
    half = folder.incoming()
    monkeypatch.setattr("app.weights.background.time.time", lambda: half.stat().st_mtime + 90_000)

    folder.forget_old()

    assert folder.all() == []
    assert not half.exists()


def test_stop_of_what_is_over_or_gone_ends_nothing_and_leaves_no_entry(
    services: Services, folder: WorkFolder, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: int) -> Never:
        raise ProcessLookupError

    monkeypatch.setattr("app.weights.background.os.killpg", gone)
    work = folder.pull("tiny", actor_id=None, ip="")
    with folder.holding(work):
        folder.write(work.model_copy(update={"state": WorkState.RUNNING, "process_id": 4242}))
        weights.stop(services, work, by=boss, visitor=HERE)
    folder.dismiss(folder.all()[0])
    weights.stop(services, work, by=boss, visitor=HERE)
    assert audited(services, boss) == []


def test_worker_that_is_stopped_leaves_no_file_behind(
    services: Services, folder: WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival = folder.incoming() / "net.onnx"
    arrival.write_bytes(DATA)
    work = folder.import_file(arrival, model_id=None, actor_id=None, ip="")
    monkeypatch.setattr(worker, "get_services", lambda: services)
    monkeypatch.setattr(worker, "perform", lambda *_: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            worker.main([str(work.id)])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not folder.arrived(work).parent.exists()


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_others_than_admins_change_nothing(
    services: Services, folder: WorkFolder, role: Role
) -> None:
    actor = make_person(services, "mei", role)
    for change in (weights.pull, weights.verify, weights.delete):
        with pytest.raises(NotAllowedError):
            change(services, "tiny", by=actor, visitor=HERE)
    assert folder.all() == []


def signed_in(browser: TestClient, services: Services, actor: Actor) -> TestClient:
    browser.cookies.set(session_cookie(services.settings), sign_in(services, actor)[0])
    return browser


def test_dropped_file_is_written_to_disk_and_taken_in(
    services: Services, folder: WorkFolder, boss: Actor, browser: TestClient
) -> None:
    reply = signed_in(browser, services, boss).put("/weight-files/renamed.bin", content=DATA)
    assert reply.status_code == 202
    [work] = folder.all()
    assert str(work.id) == reply.json()["id"]
    arrived = folder.arrived(work)
    assert arrived.read_bytes() == DATA

    with folder.holding(work):
        perform(services, folder, work)

    [done] = folder.all()
    assert (done.state, done.kind) == (WorkState.DONE, "import")
    assert not arrived.exists()
    assert audited(services, boss) == [
        ("weights.import", "renamed.bin"),
        ("weights.import_done", "tiny"),
    ]


def test_dropped_stranger_is_refused_and_removed(
    services: Services, folder: WorkFolder, boss: Actor, browser: TestClient
) -> None:
    signed_in(browser, services, boss).put("/weight-files/cat.onnx", content=b"meow")
    [work] = folder.all()

    with folder.holding(work):
        perform(services, folder, work)

    [failed] = folder.all()
    assert failed.state is WorkState.FAILED
    assert str(failed.message).startswith("cat.onnx was not imported")
    assert not folder.arrived(work).exists()


@pytest.mark.parametrize(
    ("address", "content", "status"),
    [
        ("/weight-files/net.onnx", b"", 422),
        ("/weight-files/net.onnx?model=nonesuch", DATA, 422),
        ("/weight-files/..", DATA, 405),
        (f"/weight-files/{'n' * 300}.onnx", DATA, 422),
        ("/weight-files/net%00.onnx", DATA, 422),
        ("/weight-files/net%0A.onnx", DATA, 404),
        ("/weight-files/net%E2%80%AE.onnx", DATA, 422),
    ],
)
def test_drop_that_cannot_be_meant_is_refused_and_leaves_nothing(
    services: Services,
    folder: WorkFolder,
    boss: Actor,
    browser: TestClient,
    address: str,
    content: bytes,
    status: int,
) -> None:
    reply = signed_in(browser, services, boss).put(address, content=content)
    assert reply.status_code == status
    assert folder.all() == []


def test_drop_larger_than_any_weight_is_refused(
    services: Services,
    folder: WorkFolder,
    boss: Actor,
    browser: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.web.weight_uploads.MAX_BYTES", 1000)
    put = partial(signed_in(browser, services, boss).put, "/weight-files/net.onnx")
    assert put(content=DATA).status_code == 413
    assert put(content=iter([DATA[:800], DATA[:800]])).status_code == 413
    assert "studio weights import" in put(content=DATA).text
    left = services.settings.data_dir / "weight-work"
    assert not any(path.is_dir() for path in left.glob("*"))


def test_drop_by_others_or_from_elsewhere_is_refused(
    services: Services, folder: WorkFolder, boss: Actor, browser: TestClient
) -> None:
    address = "/weight-files/net.onnx"
    assert browser.put(address, content=DATA).status_code == 401
    member = signed_in(browser, services, make_person(services, "mei"))
    assert member.put(address, content=DATA).status_code == 403
    admin = signed_in(browser, services, boss)
    elsewhere = {"Origin": "http://evil.test"}
    assert admin.put(address, content=DATA, headers=elsewhere).status_code == 403
    assert folder.all() == []


def test_drop_with_a_one_time_password_in_force_is_refused(
    services: Services, folder: WorkFolder, browser: TestClient
) -> None:
    new = make_person(services, "new", Role.ADMIN, must_change_password=True)
    reply = signed_in(browser, services, new).put("/weight-files/net.onnx", content=DATA)
    assert reply.status_code == 401
    assert folder.all() == []


def test_work_of_another_release_is_left_out(folder: WorkFolder) -> None:
    work = folder.pull("tiny", actor_id=None, ip="")
    path = Path(folder._root) / f"{uuid4()}.json"
    path.write_text('{"kind": "dance"}', encoding="utf-8")
    assert [one.id for one in folder.all()] == [work.id]
    assert isinstance(folder.get(work.id), WeightWork)
