"""The box Private on tools' pages, where a run is made from one that is private."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Checkbox

from app.people.consent import give_consent
from app.runs.page_memory import keep_options, keep_tray
from app.runs.reading import recent_runs, stored_file
from app.ui import submitting
from db.actor import Actor
from db.models import Blob
from db.types import Lane, Visibility
from studio.params import (
    CutoutOutput,
    CutoutParams,
    FaceChoice,
    FaceswapParams,
    InpaintParams,
    ToolParams,
    UpscaleParams,
)
from tasks.execute import run_next
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job, make_blob, make_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import drop, open_page
from tests.people import HERE
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.slow

PARAMS = UpscaleParams(model="interpolation", scale=2)
WAYS = [("from", True), ("use", True), ("use", False)]
"""To edit a run, to use its result, and to use it before it is made."""


def start(
    services: Services, actor: Actor, visibility: Visibility, *, is_made: bool, seed: int = 1
) -> UUID:
    item = {"image": store_upload(services, "cat.png", png(seed))}
    [job_id] = submit(services, actor, request(PARAMS, item, visibility=visibility))
    assert not is_made or run_next(services, Lane.CPU)
    return job_id


def private_box(page: AppTest) -> Checkbox:
    [box] = [each for each in page.checkbox if each.label == "Private"]
    return box


def run(page: AppTest, services: Services, actor: Actor) -> Visibility:
    """Who sees the run that the page's button starts."""
    page.button(key="upscale.run").click().run()
    assert not page.exception
    return recent_runs(services, actor, "upscale", 1)[0].visibility


@pytest.mark.parametrize(("way", "is_made"), WAYS)
def test_private_is_ticked_and_says_why_on_a_private_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, way: str, *, is_made: bool
) -> None:
    source = start(services, mei, Visibility.PRIVATE, is_made=is_made)
    page = open_page(visit, tmp_path, "UPSCALE", mei, **{way: source})
    assert private_box(page).value
    assert "a run that it is made from is private" in private_box(page).help
    assert run(page, services, mei) is Visibility.PRIVATE


@pytest.mark.parametrize(("way", "is_made"), WAYS)
def test_private_is_not_ticked_on_a_run_of_the_teams(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, way: str, *, is_made: bool
) -> None:
    source = start(services, mei, Visibility.TEAM, is_made=is_made)
    page = open_page(visit, tmp_path, "UPSCALE", mei, **{way: source})
    assert not private_box(page).value
    assert run(page, services, mei) is Visibility.TEAM


@pytest.mark.parametrize("way", ["from", "use"])
def test_private_that_is_unticked_makes_what_a_private_run_leads_to_the_teams(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, way: str
) -> None:
    source = start(services, mei, Visibility.PRIVATE, is_made=True)
    page = open_page(visit, tmp_path, "UPSCALE", mei, **{way: source})
    private_box(page).uncheck().run()
    assert run(page, services, mei) is Visibility.TEAM


def test_private_is_ticked_on_a_private_run_of_which_a_run_of_the_teams_made_the_same(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    private = start(services, mei, Visibility.PRIVATE, is_made=True)
    with services.database.write() as session:
        outputs = {"image": session.get_one(Blob, result_of(services, private).sha256)}
        shared = make_job(session, mei, tool="upscale", outputs=outputs).id
    for source, expected in ((private, Visibility.PRIVATE), (shared, Visibility.TEAM)):
        page = open_page(visit, tmp_path, "UPSCALE", mei, use=source)
        assert private_box(page).value is (expected is Visibility.PRIVATE)
        assert run(page, services, mei) is expected


def test_private_source_leaves_what_the_person_last_chose(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    source = start(services, mei, Visibility.PRIVATE, is_made=True)
    page = open_page(visit, tmp_path, "UPSCALE", mei, use=source)
    assert run(page, services, mei) is Visibility.PRIVATE
    page = open_page(visit, tmp_path, "UPSCALE", mei)
    page.button(key="upscale.clear").click().run()
    drop(page, [("dog.png", png(2))])
    assert not private_box(page).value


def test_private_is_ticked_while_a_private_result_lies_in_the_tray(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    source = start(services, mei, Visibility.PRIVATE, is_made=True)
    open_page(visit, tmp_path, "UPSCALE", mei, use=source)
    page = open_page(visit, tmp_path, "UPSCALE", mei)  # its address names no run
    assert private_box(page).value
    private_box(page).uncheck().run()
    drop(page, [("dog.png", png(2))])
    assert not private_box(page).value
    made = load_job(services.database, source).outputs[0].blob_sha256
    page.button(key=f"upscale.held.{made[:16]}.remove").click().run()
    assert not private_box(page).value
    assert "made from" not in private_box(page).help


def test_private_is_ticked_when_another_private_result_is_brought_to_one_shown_to_the_team(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    first, second = (
        start(services, mei, Visibility.PRIVATE, is_made=True, seed=seed) for seed in (1, 2)
    )
    page = open_page(visit, tmp_path, "UPSCALE", mei, use=first)
    private_box(page).uncheck().run()
    result = load_job(services.database, second).outputs[0]
    drop(page, [("other.png", services.blobs.read(result.blob_sha256))])
    assert private_box(page).value


def test_private_is_not_ticked_once_the_private_result_was_taken_out(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    source = start(services, mei, Visibility.PRIVATE, is_made=True)
    page = open_page(
        visit, tmp_path, "UPSCALE", mei, use=source
    )  # which its address goes on naming
    page.button(key=f"upscale.held.{result_of(services, source).sha256[:16]}.remove").click().run()
    drop(page, [("dog.png", png(2))])
    assert not private_box(page).value
    assert "made from" not in private_box(page).help
    assert run(page, services, mei) is Visibility.TEAM


def result_of(services: Services, job_id: UUID) -> StoredFile:
    return stored_file(load_job(services.database, job_id).outputs[0])


FURTHER = [
    (CutoutParams(output=CutoutOutput.PICTURE), "background", True),
    (CutoutParams(), "background", False),
    (InpaintParams(), "mask", True),
    (FaceswapParams(), "source", True),
    (FaceswapParams(choice=FaceChoice.LIKENESS), "reference", True),
    (FaceswapParams(), "reference", False),
]
"""What a tool's page was left with, a role beside the picture, and whether its file is read."""


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(("params", "role", "is_read"), FURTHER)
def test_private_is_ticked_where_a_private_result_is_read_in_a_further_role(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    params: ToolParams,
    role: str,
    *,
    is_read: bool,
) -> None:
    give_consent(services, mei, "faceswap", HERE)
    private = result_of(services, start(services, mei, Visibility.PRIVATE, is_made=True))
    picture, face = (store_upload(services, f"{seed}.png", png(seed)) for seed in (2, 3))
    for key, file in (("", picture), (".source", face), (f".{role}", private)):
        keep_tray(services, mei, f"{params.tool}{key}", [file])
    keep_options(services, mei, params, from_id=None, is_private=False)
    page = open_page(visit, tmp_path, params.tool.upper(), mei)
    assert private_box(page).value is is_read


def test_private_is_ticked_without_a_look_at_whole_runs(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = start(services, mei, Visibility.PRIVATE, is_made=True)
    monkeypatch.delattr(submitting, "get_run")  # the page is drawn at every change of an option
    page = open_page(visit, tmp_path, "UPSCALE", mei, **{"from": source, "use": source})
    assert private_box(page).value


@pytest.mark.parametrize(
    ("of_source", "expected"),
    [(Visibility.PRIVATE, Visibility.PRIVATE), (Visibility.TEAM, Visibility.TEAM)],
)
def test_private_result_behind_a_cutout_of_the_teams_makes_the_next_one_private(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    of_source: Visibility,
    expected: Visibility,
) -> None:
    result = result_of(services, start(services, mei, of_source, is_made=True))
    with services.database.write() as session:
        outputs = {"image": make_blob(session), "alpha": make_blob(session)}
        params = CutoutParams(output=CutoutOutput.PICTURE).model_dump(mode="json")
        shown = make_job(session, mei, params=params, outputs=outputs).id
    page = open_page(visit, tmp_path, "CUTOUT", mei, job=shown)
    drop(page, [("behind.png", services.blobs.read(result.sha256))])
    is_told = any("This makes a private run" in each.value for each in page.caption)
    assert is_told is (expected is Visibility.PRIVATE)
    button(page, "Apply").click().run()
    assert not page.exception
    assert recent_runs(services, mei, "cutout", 1)[0].visibility is expected
