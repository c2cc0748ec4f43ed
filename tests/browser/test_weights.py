"""The models page in a real browser: pull, verify, delete, import, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy import select

from db.models import AuditEntry
from db.types import Role
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, choose, settle
from tests.studio.models.weight_factories import (
    FileServer,
    Served,
    file_server,
    matting_toml,
    write_catalogue,
)

pytestmark = pytest.mark.browser

GOOD, OTHER = b"good weights" * 9_000, b"other weights" * 9_000


@pytest.fixture(scope="module")
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files |= {"/good.onnx": Served(GOOD), "/wrong.onnx": Served(OTHER)}
        yield running


@pytest.fixture(scope="module")
def own_catalogue(server: FileServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Three models of a few kilobytes, one of which is not what its address serves."""
    folder = tmp_path_factory.mktemp("weights")
    catalogue = write_catalogue(
        folder,
        matting_toml("good", GOOD, server.url("/good.onnx")),
        matting_toml("wrong", GOOD + b"!", server.url("/wrong.onnx"), licence="research"),
        matting_toml("other", OTHER, server.url("/nowhere.onnx"), licence="research"),
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STUDIO_CATALOGUE_PATH", str(catalogue))
        environment.setenv("STUDIO_WEIGHTS_DIR", str(folder))
        yield


@pytest.fixture(scope="module")
def studio(own_catalogue: None, studio: Studio) -> Studio:
    return studio


@pytest.fixture
def admin_page(studio: Studio, open_page: OpenPage, sign_in: SignIn) -> Page:
    page = open_page()
    sign_in(page, studio.add_user(Role.ADMIN))
    page.goto("/weights")
    expect(page.get_by_text("Good net", exact=True)).to_be_visible()
    return page


def change(page: Page, model_id: str, action: str) -> None:
    settle(page)
    page.locator(f".st-key-model-{model_id}").get_by_role("button", name="Change").click()
    page.get_by_role("menuitem", name=action).or_(
        page.get_by_role("option", name=action)
    ).first.click()


def install(page: Page, model_id: str) -> None:
    settle(page)
    page.locator(f".st-key-model-{model_id}").get_by_role("button", name="Install").click()


def state_of(page: Page, model_id: str, words: str) -> None:
    row = page.locator(f".st-key-model-{model_id}")
    expect(row.get_by_text(words, exact=True)).to_be_visible(timeout=30_000)


def drop_file(page: Page, name: str, data: bytes) -> None:
    zone = page.get_by_label("Weight file")
    if not zone.count():
        page.get_by_text("Import a file").click()
    zone.set_input_files(FilePayload(name=name, mimeType="application/octet-stream", buffer=data))


def audit(studio: Studio) -> list[tuple[str, str]]:
    with studio.services.database.read() as session:
        entries = session.execute(
            select(AuditEntry.action, AuditEntry.subject)
            .where(AuditEntry.action.startswith("weights."))
            .order_by(AuditEntry.id)
        )
        return [(action, subject) for action, subject in entries]


def test_model_is_pulled_verified_and_deleted_while_one_looks_elsewhere(
    studio: Studio, admin_page: Page
) -> None:
    page = admin_page
    state_of(page, "good", "Not installed")
    install(page, "good")
    expect(page.locator("[class*='st-key-work-']")).to_be_visible()
    page.goto("/history")
    page.goto("/weights")
    expect(page.get_by_text("Good net is installed.")).to_be_visible(timeout=60_000)
    state_of(page, "good", "Installed")

    change(page, "good", "Verify")
    expect(page.get_by_text("Good net is sound")).to_be_visible()

    change(page, "good", "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Good net is deleted")).to_be_visible()
    state_of(page, "good", "Not installed")
    assert [entry for entry in audit(studio) if entry[1] == "good"] == [
        ("weights.pull", "good"),
        ("weights.pull_done", "good"),
        ("weights.verify", "good"),
        ("weights.delete", "good"),
    ]


def test_pull_of_other_bytes_fails_with_the_reason_and_the_way_on(
    studio: Studio, admin_page: Page
) -> None:
    install(admin_page, "wrong")
    failure = admin_page.get_by_text("could not be fetched")
    expect(failure).to_be_visible(timeout=60_000)
    expect(failure).to_contain_text("is not the file the catalogue means")
    expect(failure).to_contain_text("studio weights import FILE")
    state_of(admin_page, "wrong", "Not installed")
    assert ("weights.pull_failed", "wrong") in audit(studio)


def test_dropped_file_is_recognised_and_a_stranger_refused(
    studio: Studio, admin_page: Page
) -> None:
    drop_file(admin_page, "renamed.bin", OTHER)
    expect(admin_page.get_by_text("was taken in for Other net")).to_be_visible(timeout=60_000)
    state_of(admin_page, "other", "Installed")

    drop_file(admin_page, "cat.onnx", b"meow")
    refusal = admin_page.get_by_text("cat.onnx was not imported")
    expect(refusal).to_be_visible(timeout=60_000)
    assert ("weights.import_done", "other") in audit(studio)
    assert ("weights.import_failed", "cat.onnx") in audit(studio)
    left = Path(studio.services.settings.data_dir / "weight-work")
    assert not [path for path in left.iterdir() if path.is_dir()], "no dropped file stays behind"


def test_file_dropped_after_the_model_was_chosen_anew_is_sent_once_and_for_that_model(
    admin_page: Page,
) -> None:
    sent: list[str] = []
    admin_page.on(
        "request",
        lambda request: sent.append(request.url) if request.method == "PUT" else None,
    )
    admin_page.get_by_text("Import a file").click()
    for title in ("Good net", "Wrong net", "Other net"):
        choose(admin_page, "Model it is for", title)
        admin_page.wait_for_function("!window.darkroom.isAwaited()")
    drop_file(admin_page, "nameless.bin", b"not a network")
    expect(admin_page.get_by_text("nameless.bin arrived")).to_be_visible()
    assert [url.rpartition("/")[2] for url in sent] == ["nameless.bin?model=other"]


def test_member_reads_the_terms_and_can_change_nothing(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    page = open_page()
    sign_in(page, studio.add_user())
    page.goto("/weights")
    expect(page.get_by_text("Wrong net", exact=True)).to_be_visible()
    expect(page.get_by_text("No commercial use").first).to_be_visible()
    for name in ("Change", "Install"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_text("Import a file")).to_have_count(0)
