from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from streamlit.testing.v1 import AppTest

from app.runs import reading
from app.runs.parameters import values_of
from app.ui import generic_page, toolpage
from db.actor import Actor
from db.models import Job
from db.repositories.keeping import KeepingRepository
from db.states import JobState
from db.types import Lane, Origin, Role, Visibility
from studio.params import FaceswapParams, UpscaleParams
from studio.tools.registry import TOOLS
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import load_job, make_blob, make_job
from tests.pages.harness import Visit, button
from tests.pages.navigated import links, markup, navigated, open_page
from tests.people import make_person
from tests.pictures import png
from tests.requests import request

pytestmark = pytest.mark.slow


@pytest.fixture
def run_id(services: Services, mei: Actor) -> UUID:
    """A finished cutout of Mei's."""
    with services.database.write() as session:
        outputs = {"image": make_blob(session), "alpha": make_blob(session)}
        params = {"tool": "cutout", "model": "isnet", "feather_px": 2.5}
        return make_job(session, mei, params=params, outputs=outputs).id


def labels(page: AppTest) -> set[str]:
    return {each.label for each in page.button} | set(links(page))


def test_run_unknown_says_so(visit: Visit, tmp_path: Path, mei: Actor) -> None:
    page = open_page(visit, tmp_path, "RUN", mei, id=uuid4())
    assert "No such run" in markup(page)


@pytest.mark.parametrize("parameter", ["id", "job"], ids=["page of the run", "page of the tool"])
def test_run_that_ends_while_its_page_is_drawn_is_drawn_anew(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
    parameter: str,
) -> None:
    item = {"image": store_upload(services, "dog.png", png(1))}
    [run] = submit(services, mei, request(UpscaleParams(model="interpolation"), item))
    get_run = reading.get_run

    def get_run_as_it_ends(services: Services, actor: Actor, job_id: UUID) -> Job | None:
        job = get_run(services, actor, job_id)
        run_next(services, Lane.CPU)
        return job

    monkeypatch.setattr(reading, "get_run", get_run_as_it_ends)
    # Imported by now, as it would keep what it finds if a page were the first to import it.
    for module in (toolpage, generic_page):
        monkeypatch.setattr(module, "get_run", get_run_as_it_ends)
    page = visit(navigated(tmp_path, "RUN" if parameter == "id" else "UPSCALE"), mei)
    page.query_params[parameter] = str(run)
    page.run()
    assert not page.exception
    assert "are gone" not in markup(page)
    assert f"/pictures/{run}" in markup(page) or "Download PNG" in markup(page)


def test_run_shows_params_weights_and_stages(
    visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID
) -> None:
    shown = markup(open_page(visit, tmp_path, "RUN", mei, id=run_id))
    model, changed, usual = (
        shown.index(fact)
        for fact in (
            "<dt>Model</dt><dd>isnet</dd><dt>Background</dt><dd>Transparent",
            "<dt>Feather</dt><dd><b>2.5 px</b> <small>changed</small></dd>",
            "<dt>Despill</dt><dd>yes</dd>",
        )
    )
    assert model < changed < shown.index("<summary>8 more at their defaults</summary>") < usual
    assert "Shadow blur" not in shown
    assert "0" * 64 in shown
    assert "Working 1.50 s" in shown
    assert str(run_id) in shown


def test_run_note_star_trash_and_restore_are_kept(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID
) -> None:
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    page.text_area[0].set_value("For the spring catalogue").run()
    page.multiselect[0].set_value(["spring", " print "]).run()
    button(page, "Star").click().run()
    button(page, "Delete").click().run()
    assert "for 30 days" in "".join(each.value for each in page.markdown)
    button(page, "Move to the trash").click().run()
    job = load_job(services.database, run_id)
    assert (job.note, job.starred) == ("For the spring catalogue", True)
    assert job.tags == ["spring", "print"]
    assert job.deleted_at is not None
    button(page, "Restore").click().run()
    assert load_job(services.database, run_id).deleted_at is None


def test_run_tags_of_two_tabs_add_up_and_what_one_takes_out_is_gone(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID
) -> None:
    def tags() -> list[str]:
        return load_job(services.database, run_id).tags

    first, second = (open_page(visit, tmp_path, "RUN", mei, id=str(run_id)) for _ in range(2))
    first.multiselect[0].set_value(["summer", "print"]).run()
    second.multiselect[0].set_value(["client"]).run()
    assert tags() == ["summer", "print", "client"] == second.multiselect[0].value
    first.multiselect[0].set_value(["print"]).run()
    assert tags() == ["print", "client"]


@pytest.mark.parametrize(
    "tags", [["a"] * 31, ["a" * 65], ["a\0b"]], ids=["too many", "too long", "cannot be shown"]
)
def test_run_tags_that_cannot_be_kept_are_refused_and_change_nothing(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID, tags: list[str]
) -> None:
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    page.multiselect[0].set_value(tags).run()
    assert page.error
    assert load_job(services.database, run_id).tags == []


def test_run_old_tab_overwrites_no_newer_note(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID
) -> None:
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    with services.database.write() as session:
        KeepingRepository(session).set_note(mei, run_id, "written in another tab")
    button(page, "Star").click().run()
    assert load_job(services.database, run_id).note == "written in another tab"


def test_run_again_keeps_inputs_and_params(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID
) -> None:
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    button(page, "Run again").click().run()
    first = load_job(services.database, run_id)
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    assert "Runs made from this one" in [each.value for each in page.subheader]
    with services.database.read() as session:
        [again] = [job for job in session.query(type(first)) if job.parent_id == run_id]
    assert (again.origin, again.state) == (Origin.RERUN, JobState.QUEUED)
    assert values_of(again) == values_of(first)


def test_run_is_made_private_and_shown_to_the_team_again(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor, run_id: UUID
) -> None:
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    button(page, "Make private").click().run()
    assert load_job(services.database, run_id).visibility is Visibility.PRIVATE
    button(page, "Show to the team").click().run()
    assert load_job(services.database, run_id).visibility is Visibility.TEAM


USE_IN = {spec.title for spec in TOOLS.values() if not spec.is_auxiliary}
"""Where the result may be used, under "Use this result in…"."""


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        (Role.VIEWER, set()),
        (Role.MEMBER, {"Run again", "Edit and run again", *USE_IN}),
        (
            Role.ADMIN,
            {"Run again", "Edit and run again", "Star", "Delete", "Make private", *USE_IN},
        ),
    ],
)
def test_run_of_somebody_else_offers_what_the_role_may(
    services: Services, visit: Visit, tmp_path: Path, run_id: UUID, role: Role, offered: set[str]
) -> None:
    reader = make_person(services, "reader", role)
    page = open_page(visit, tmp_path, "RUN", reader, id=run_id)
    assert labels(page) - {"Convert"} == offered


def test_run_that_failed_says_why(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        failed = make_job(session, mei, state=JobState.FAILED).id
    page = open_page(visit, tmp_path, "RUN", mei, id=failed)
    assert "This run failed" in markup(page)
    assert "It is empty. Save it again." in markup(page)
    assert f"run {failed.hex[-8:]}" in markup(page)
    assert links(page) == ["Edit and run again"]


def test_run_of_face_swap_counts_faces_and_sources_from_one(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    params = FaceswapParams(faces=(None, 2, 1)).model_dump(mode="json")
    with services.database.write() as session:
        run_id = make_job(session, mei, tool="faceswap", params=params).id
    shown = markup(open_page(visit, tmp_path, "RUN", mei, id=run_id))
    assert "face 2: source 2 and face 3: source 1" in shown
    assert "<dt>Which faces</dt>" not in shown


@pytest.mark.parametrize(
    ("tool", "model", "role", "label"),
    [
        ("cutout", "isnet", "alpha", "Alpha mask"),
        ("inpaint", "auto", "mask", "Mask"),
        ("upscale", "interpolation", "depth", "depth"),
    ],
)
def test_run_offers_whatever_else_its_tool_made_under_its_own_title(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    tool: str,
    model: str,
    role: str,
    label: str,
) -> None:
    with services.database.write() as session:
        outputs = {"image": make_blob(session), role: make_blob(session)}
        run_id = make_job(session, mei, tool=tool, params={"model": model}, outputs=outputs).id
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    assert f'download="{role}.png">{label} · ' in markup(page)


def test_run_that_only_prepared_others_offers_no_page_of_its_own(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    with services.database.write() as session:
        search = make_job(session, mei, tool="faces", params={"model": "blazeface"}).id
    page = open_page(visit, tmp_path, "RUN", mei, id=search)
    assert "Run again" in labels(page)
    assert "Edit and run again" not in labels(page)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"tool": "sepia"}, "There is no tool called “sepia”"),
        ({"params_version": 99}, "Update the studio."),
        ({"params": {"halo": 3}}, "halo: there is nothing of this name"),
    ],
)
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.QUEUED])
def test_run_whose_parameters_cannot_be_read_says_so_and_shows_them(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    columns: dict[str, Any],
    words: str,
    state: JobState,
) -> None:
    with services.database.write() as session:
        outputs = {"image": make_blob(session)} if state is JobState.SUCCEEDED else {}
        given = {"params": {"halo": 3}, "outputs": outputs, "state": state, **columns}
        run_id = make_job(session, mei, **given).id
    page = open_page(visit, tmp_path, "RUN", mei, id=run_id)
    assert any(words in each.value for each in page.caption)
    assert "<dt>halo</dt>" in markup(page)
    button(page, "Run again").click().run()
    assert not page.exception
    assert any(words in each.value for each in page.error)
