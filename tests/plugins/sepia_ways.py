"""A tool of another package, by page, REST and command line.

Run by ``test_added_tool.py`` in a process whose path holds the package; by itself it would
miss the tool.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app.commands.cli import main
from app.people.consent import give_consent, has_consented
from app.people.sessions import create_api_token
from app.web.application import create_middleware, create_routes
from db.actor import Actor
from db.models import Job
from db.session import Database
from db.states import JobState
from db.types import Lane
from studio.tools.registry import TOOL_FAULTS, TOOLS
from tasks.execute import run_next
from tasks.services import Services
from tests.factories import load_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import drop, markup, navigated
from tests.people import HERE, make_person
from tests.pictures import png

pytest_plugins = ["tests.pages.conftest"]


@pytest.fixture
def mei(services: Services) -> Actor:
    """Has confirmed what the tool asks for."""
    actor = make_person(services)
    give_consent(services, actor, "sepia", HERE)
    return actor


@pytest.fixture
def browser(services: Services, mei: Actor) -> TestClient:
    """A script with Mei's token."""
    app = Starlette(routes=create_routes(services), middleware=create_middleware(services))
    token = create_api_token(services, mei, "tests", HERE)
    return TestClient(
        app, base_url="http://studio.test", headers={"Authorization": f"Bearer {token}"}
    )


def newest_job(database: Database) -> Job:
    with database.read() as session:
        return session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()


def finished(services: Services, job_id: UUID) -> Job:
    assert run_next(services, Lane.CPU)
    job = load_job(services.database, job_id)
    assert job.state is JobState.SUCCEEDED, job.error_message
    return job


def size_of_result(services: Services, job: Job) -> tuple[int, int]:
    [result] = [file for file in job.outputs if file.role == "image"]
    with Image.open(BytesIO(services.blobs.read(result.blob_sha256))) as image:
        return image.size


def test_added_tool_joins_the_others() -> None:
    assert not TOOL_FAULTS
    assert TOOLS["sepia"].title == "Sepia"


def test_added_tool_asks_for_its_own_consent_before_its_first_run(
    services: Services, visit: Visit, tmp_path: Path, browser: TestClient
) -> None:
    li = make_person(services, "li")
    page = visit(navigated(tmp_path, "SEPIA"), li)
    assert [title.value for title in page.subheader] == ["Before your first sepia"]
    assert "This tool makes pictures **look old**." in [text.value for text in page.markdown]
    asked = browser.get("/api/v1/tools/sepia/consent").json()["statement"]
    assert page.checkbox(key="consent.agrees").label == asked
    page.checkbox(key="consent.agrees").check().run()
    button(page, "Confirm and go on").click().run()
    assert not page.exception
    assert has_consented(services, li, "sepia")
    assert page.file_uploader


def test_added_tool_whose_result_is_too_large_is_refused_in_words_that_fit_it(
    browser: TestClient,
) -> None:
    fields = {"tool": "sepia", "params": json.dumps({"margin_px": 500})}
    files = [("image", ("long.png", png(1, 79_000, 4)))]
    answer = browser.post("/api/v1/jobs", data=fields, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "output.too_many_pixels")
    assert answer.json()["message"].endswith("Set a smaller margin.")


def test_added_tool_runs_by_rest(services: Services, browser: TestClient) -> None:
    [listed] = [tool for tool in browser.get("/api/v1/tools").json() if tool["name"] == "sepia"]
    assert [(role["name"], role["media"]) for role in listed["roles"]] == [
        ("image", "picture"),
        ("where", "mask"),
    ]
    files = [("image", ("cat.png", png(1, 40, 30))), ("where", ("all.png", png(2, 40, 30)))]
    fields = {"tool": "sepia", "params": json.dumps({"margin_px": 5, "paper": "rough"})}
    answer = browser.post("/api/v1/jobs", data=fields, files=files)
    assert answer.status_code == 202, answer.text
    [job_id] = answer.json()["job_ids"]
    job = finished(services, UUID(job_id))
    assert size_of_result(services, job) == (50, 40)
    assert job.outputs[0].file_name == "cat-sepia.png"


def test_added_tool_runs_by_its_page(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = visit(navigated(tmp_path, "SEPIA"), mei)
    drop(page, [("cat.png", png(1, 40, 30))])
    page.slider(key="sepia.new.strength").set_value(0.5).run()
    page.number_input(key="sepia.new.margin_px").set_value(3).run()
    assert page.segmented_control(key="sepia.new.paper").options == ["Smooth as glass", "Rough"]
    button(page, "Tone").click().run()
    assert not page.exception
    job = newest_job(services.database)
    assert (job.tool, job.params["strength"], job.params["margin_px"]) == ("sepia", 0.5, 3)
    assert size_of_result(services, finished(services, job.id)) == (46, 36)
    page.run()
    assert not page.exception
    assert "cat-sepia.png" in markup(page)


def test_added_tool_is_in_the_navigation_and_its_runs_in_the_history(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, browser: TestClient
) -> None:
    browser.post("/api/v1/jobs", data={"tool": "sepia"}, files=[("image", ("cat.png", png(1)))])
    job = finished(services, newest_job(services.database).id)
    for name in ("HISTORY", "RUN"):
        page: AppTest = visit(navigated(tmp_path, name), mei)
        page.query_params["id"] = str(job.id)
        page.run()
        assert not page.exception
        assert "Sepia" in markup(page)


def test_added_tool_runs_by_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cat.png").write_bytes(png(1, 40, 30))
    words = ["run", "sepia", "cat.png", "--strength", "1", "--margin-px", "2", "--out", "out"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["studio", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr().err
    with Image.open(tmp_path / "out" / "cat-sepia.png") as image:
        assert image.size == (44, 34)
