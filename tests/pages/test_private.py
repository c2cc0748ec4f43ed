"""The box Private on tools' pages, where a run is made from one that is private."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Checkbox

from app.runs.reading import recent_runs
from db.actor import Actor
from db.types import Lane, Visibility
from studio.params import UpscaleParams
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job
from tests.pages.harness import Visit
from tests.pages.navigated import drop, open_page
from tests.pictures import png
from tests.requests import request

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
    assert "the run that it is made from is private" in private_box(page).help
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
