"""Pages of runs that wait for others, or ended before they got what they needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from app.runs.reading import recent_runs
from app.ui.progress import SHOWN
from db.actor import Actor
from db.models import Job
from db.repositories.workers import WorkerRepository
from db.states import JobState
from db.types import Lane, Origin, utc_now
from studio.params import CutoutParams, InpaintParams, MaskPreset, ToolParams, UpscaleParams
from tasks.chains import ChainRequest, ResultOfStep, Step
from tasks.chains import submit_chain as submit_chains
from tasks.execute import run_next
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import cancel, store_upload, submit
from tests.factories import load_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import drop, links, markup, navigated
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

UPSCALE = UpscaleParams(model="interpolation", scale=2)


@dataclass(frozen=True, slots=True)
class Chain:
    """An upscale of an upload, and what waits for it."""

    first: UUID
    waiting: UUID


def submit_chain(services: Services, actor: Actor, params: ToolParams) -> Chain:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, actor, request(UPSCALE, {"image": stored}))
    [waiting] = submit(services, actor, request(params, {"image": ResultOf(first)}))
    return Chain(first, waiting)


def open_page(page: AppTest, **address: UUID) -> AppTest:
    for name, value in address.items():
        page.query_params[name] = str(value)
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize("place", [0, SHOWN])
def test_batch_says_that_no_worker_takes_one_of_its_runs_wherever_that_stands(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, place: int
) -> None:
    files = [store_upload(services, f"{seed}.png", png(seed)) for seed in range(SHOWN + 1)]
    ids = submit(services, mei, request(UPSCALE, *({"image": file} for file in files)))
    batch_id = load_job(services.database, ids[0]).batch_id
    assert batch_id is not None
    with services.database.write() as session:
        WorkerRepository(session).report("light@here:1", [Lane.CPU], 1, started_at=utc_now())
    script = navigated(tmp_path, "UPSCALE")
    assert not open_page(visit(script, mei), batch=batch_id).warning
    with services.database.write() as session:
        session.get_one(Job, ids[place]).lane = Lane.GPU
    [warning] = open_page(visit(script, mei), batch=batch_id).warning
    assert "No worker is running that takes what waits here" in warning.value


@pytest.mark.parametrize("params", [UPSCALE, CutoutParams(), InpaintParams(preset=MaskPreset.FULL)])
def test_run_that_waits_says_what_for(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, params: ToolParams
) -> None:
    chain = submit_chain(services, mei, params)
    page = open_page(visit(navigated(tmp_path, "RUN"), mei), id=chain.waiting)
    assert "Waits for" in [each.value for each in page.subheader]
    assert "Starts when what it needs is made" in markup(page)
    assert str(chain.first) in "".join(each.proto.query_string for each in page.get("page_link"))


def test_run_cancelled_with_its_need_names_the_step_that_ended(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    chain = submit_chain(services, mei, UPSCALE)
    cancel(services, mei, chain.first)
    page = open_page(visit(navigated(tmp_path, "RUN"), mei), id=chain.waiting)
    assert "“cat.png” (upscale) was cancelled, and this run needs it." in markup(page)
    assert "Needed" in [each.value for each in page.subheader]


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_tool_page_of_a_run_without_its_picture_opens_and_leads_on(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, *, is_cancelled: bool
) -> None:
    chain = submit_chain(services, mei, UPSCALE)
    if is_cancelled:
        cancel(services, mei, chain.first)
    script = navigated(tmp_path, "UPSCALE")
    assert "Run details" in links(open_page(visit(script, mei), job=chain.waiting))
    open_page(visit(script, mei), **{"from": chain.waiting})


def test_history_shows_runs_that_wait_and_why_one_was_cancelled(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    submit_chain(services, mei, UPSCALE)
    chain = submit_chain(services, mei, UPSCALE)
    cancel(services, mei, chain.first)
    page = open_page(visit(navigated(tmp_path, "HISTORY"), mei))
    assert "Waiting</span>" in markup(page)
    assert "was cancelled, and this run needs it." in markup(page)


def test_batch_is_paused_and_resumed_by_its_owner_alone(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    items = [{"image": store_upload(services, f"{n}.png", png(n))} for n in range(2)]
    ids = submit(services, mei, request(UPSCALE, *items))
    batch_id = load_job(services.database, ids[0]).batch_id
    assert batch_id is not None
    script = navigated(tmp_path, "UPSCALE")
    page = open_page(visit(script, mei), batch=batch_id)
    button(page, "Pause").click().run()
    assert {load_job(services.database, one).state for one in ids} == {JobState.WAITING}
    assert "Paused with its batch" in markup(page)
    button(page, "Resume").click().run()
    assert {load_job(services.database, one).state for one in ids} == {JobState.QUEUED}
    stranger = open_page(visit(script, make_person(services, "ann")), batch=batch_id)
    assert "Pause" not in {each.label for each in stranger.button}


@pytest.mark.usefixtures("weights")
def test_result_used_in_another_tool_is_its_picture_and_parent(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, mei, request(UPSCALE, {"image": stored}))
    assert run_next(services, Lane.CPU)
    page = open_page(visit(navigated(tmp_path, "RUN"), mei), id=first)
    assert "Upscale" in links(page)
    page = open_page(visit(navigated(tmp_path, "UPSCALE"), mei), use=first)
    page.button(key="upscale.run").click().run()
    assert not page.exception
    [second] = recent_runs(services, mei, "upscale", 1)
    made, again = (load_job(services.database, one) for one in (first, second.id))
    assert (again.parent_id, again.origin) == (first, Origin.MADE_FROM)
    assert again.inputs[0].blob_sha256 == made.outputs[0].blob_sha256


def test_run_that_is_a_step_says_which_and_leads_to_the_others(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    picture = store_upload(services, "cat.png", png(1))
    masked = Step(CutoutParams(), {"alpha": [ResultOfStep(1)]})
    steps = [Step(UPSCALE), Step(UPSCALE), masked]
    [run] = submit_chains(services, mei, ChainRequest([picture], steps))
    assert run_next(services, Lane.CPU)
    page = open_page(visit(navigated(tmp_path, "RUN"), mei), id=run)
    assert "step 3 of 3" in markup(page)
    assert "Chain of 3 steps" in [each.value for each in page.subheader]
    assert "Made from" not in [each.value for each in page.subheader]
    numbered = [each.replace("\\", "") for each in links(page) if each[:1].isdigit()]
    assert numbered == ["1. Upscale", "2. Upscale", "3. Cutout"]
    command, fields = (each.value for each in page.code)
    assert fields == "3.alpha=step:1"
    assert command.startswith("studio run chain cat.png --step 'upscale ")
    first = page.get("page_link")[-3].proto.query_string.removeprefix("id=")
    step = open_page(visit(navigated(tmp_path, "RUN"), mei), id=UUID(first))
    assert "step 1 of 3" in markup(step)
    assert step.code[0].value.startswith("studio run upscale cat.png ")
    said = [each.value for each in (*page.markdown, *step.markdown)]
    assert (
        "To repeat this step and the 2 steps before it, run this in the folder that holds their "
        "files:"
    ) in said
    assert "To repeat this run, run this in the folder that holds its files:" in said


def asked_sizes(page: AppTest) -> list[str]:
    """What is asked of a ready-made mask beside its kind."""
    asked = [*page.segmented_control, *page.slider]
    return [each.label for each in asked if each.label in ("Corner", "Size")]


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("tool", ["upscale", "cutout", "inpaint", "cartoon"])
def test_result_that_is_still_to_come_is_waited_for(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, tool: str
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, mei, request(UPSCALE, {"image": stored}))
    page = open_page(visit(navigated(tmp_path, "RUN"), mei), id=first)
    assert tool.capitalize() in links(page)

    page = open_page(visit(navigated(tmp_path, tool.upper()), mei), use=first)
    if tool == "inpaint":
        assert page.button(key="inpaint.run").disabled
        assert any(each.value.startswith("Nothing is masked yet") for each in page.caption)
        [preset] = [each for each in page.segmented_control if each.label == "Ready-made mask"]
        assert not asked_sizes(page)
        preset.set_value(MaskPreset.CENTRE).run()
        assert asked_sizes(page) == ["Size"]
    page.button(key=f"{tool}.run").click().run()
    assert not page.exception
    second = next(row for row in recent_runs(services, mei, tool, 2) if row.id != first)
    waiting = load_job(services.database, second.id)
    assert (waiting.state, waiting.parent_id) == (JobState.WAITING, first)
    assert waiting.title == "cat.png"


def test_result_that_came_while_a_run_was_set_up_on_it_lies_in_the_tray(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, mei, request(UPSCALE, {"image": stored}))
    page = open_page(visit(navigated(tmp_path, "UPSCALE"), mei), use=first)
    assert run_next(services, Lane.CPU)
    page.run()
    assert not page.exception
    assert "cat-upscaled.png" in markup(page)


def test_result_that_an_address_names_takes_the_place_of_what_the_tray_held_once(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, mei, request(UPSCALE, {"image": stored}))
    assert run_next(services, Lane.CPU)
    script = navigated(tmp_path, "UPSCALE")
    page = visit(script, mei)
    drop(page, [("cow.png", png(3))])
    page = open_page(page, use=first)
    assert "cat-upscaled.png" in markup(page)
    assert "cow.png" not in markup(page)
    drop(page, [("dog.png", png(2))])
    assert "cat-upscaled.png" in markup(page)
    assert "dog.png" in markup(page)

    made = load_job(services.database, first).outputs[0].blob_sha256
    page.button(key=f"upscale.held.{made[:16]}.remove").click().run()
    assert not page.exception
    assert "cat-upscaled.png" not in markup(page)
    assert "dog.png" in markup(page)

    reloaded = visit(script, mei)
    reloaded.query_params.update(page.query_params)
    reloaded.run()
    assert "cat-upscaled.png" not in markup(reloaded)
    assert "dog.png" in markup(reloaded)


def test_page_that_waits_for_a_result_says_when_it_will_not_come(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, mei, request(UPSCALE, {"image": stored}))
    page = open_page(visit(navigated(tmp_path, "UPSCALE"), mei), use=first)
    cancel(services, mei, first)
    page.run()
    assert not page.exception
    assert [each.value for each in page.warning] == [
        "“cat.png” was to be used here, and has no picture: Cancelled."
    ]


def test_result_to_come_of_somebody_elses_run_is_not_offered(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "cat.png", png(1))
    [first] = submit(services, mei, request(UPSCALE, {"image": stored}))
    ann = make_person(services, "ann")
    page = open_page(visit(navigated(tmp_path, "RUN"), ann), id=first)
    assert "Set the next run up now: it waits for this one." not in [
        each.value for each in page.caption
    ]
