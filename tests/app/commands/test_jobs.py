"""``studio jobs``: the same rows, rights and words as pages and REST."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image

from app.people import accounts
from db.actor import Actor
from db.states import JobState
from db.types import Lane, Origin, Role, Visibility
from studio.params import UpscaleParams
from studio.words import msg
from tasks.chains import ChainRequest, Step, submit_chain
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.app.commands.outcome import Studio
from tests.factories import make_actor, make_job
from tests.people import make_person
from tests.pictures import png
from tests.requests import request
from tests.rows import job_of

PIXELS = UpscaleParams(model="interpolation", scale=2)


@pytest.fixture
def mei(services: Services) -> Actor:
    with services.database.write() as session:
        return make_actor(session, name="mei")


def submitted(services: Services, actor: Actor, *, is_private: bool = False) -> UUID:
    visibility = Visibility.PRIVATE if is_private else Visibility.TEAM
    item = {"image": store_upload(services, "dog.png", png(1, 40, 30))}
    return submit(services, actor, request(PIXELS, item, visibility=visibility))[0]


def test_jobs_list_shows_runs_newest_first_and_leads_on(
    studio: Studio, services: Services, mei: Actor
) -> None:
    first, second = submitted(services, mei), submitted(services, mei, is_private=True)
    page = studio("jobs", "list", "--limit", 1, "--json").json
    assert [job["id"] for job in page["jobs"]] == [str(second)]

    older = studio("jobs", "list", "--cursor", page["next"])
    assert (older.code, str(first) in older.out, str(second) in older.out) == (0, True, False)
    assert f"--cursor {page['next']}" in studio("jobs", "list", "--limit", 1).out
    assert studio("jobs", "list", "--state", "failed").out == "There are no such runs.\n"
    assert studio("jobs", "list", "--cursor", "older-x").code == 1


def test_jobs_list_counts_steps_in_the_progress_as_show_does(
    studio: Studio, services: Services, mei: Actor
) -> None:
    picture = store_upload(services, "dog.png", png(1, 40, 30))
    [run] = submit_chain(services, mei, ChainRequest([picture], [Step(PIXELS), Step(PIXELS)]))
    assert run_next(services, Lane.CPU)
    [listed] = studio("jobs", "list", "--json").json["jobs"]
    shown = studio("jobs", "show", run, "--json").json
    assert (listed["id"], listed["progress"], shown["progress"]) == (str(run), 0.5, 0.5)
    words = studio("jobs", "show", run).out
    assert "queued, 50% done" in words
    assert re.search(r"Steps +1 of 2 done", words)


def test_jobs_show_tells_parameters_files_and_who_sees_it(
    studio: Studio, services: Services, mei: Actor
) -> None:
    run = submitted(services, mei)
    assert run_next(services, Lane.CPU)
    job = job_of(services.database, run)
    outcome = studio("jobs", "show", run)
    facts = dict(line.split(maxsplit=1) for line in outcome.out.splitlines() if " " in line)
    assert (facts["State"], facts["Tool"], facts["Owner"]) == ("succeeded", "upscale", "mei")
    assert (facts["model"], facts["scale"]) == ("interpolation", "2")
    assert job.inputs[0].blob_sha256 in outcome.out
    assert job.outputs[0].blob_sha256 in outcome.out
    view = studio("jobs", "show", run, "--json").json
    assert (view["params"]["scale"], view["outputs"][0]["width_px"]) == (2, 80)


def test_jobs_show_says_why_a_run_failed(studio: Studio, services: Services, mei: Actor) -> None:
    with services.database.write() as session:
        job = make_job(
            session,
            mei,
            state=JobState.FAILED,
            error_code="image.truncated",
            error_message=msg("The file ends too soon."),
        )
    out = studio("jobs", "show", job.id).out
    assert "The file ends too soon." in out
    assert "image.truncated" in out


def test_jobs_cancel_stops_a_run_once(studio: Studio, services: Services, mei: Actor) -> None:
    run = submitted(services, mei)
    assert studio("jobs", "cancel", run).out == "It is cancelled, or stops within a second or so.\n"
    assert job_of(services.database, run).state is JobState.CANCELLED
    assert studio("jobs", "cancel", run).out == "It had ended already.\n"


def test_jobs_rerun_prints_the_new_run_of_whom_it_is_for(
    studio: Studio, services: Services, mei: Actor
) -> None:
    run = submitted(services, mei, is_private=True)
    again = job_of(services.database, UUID(studio("jobs", "rerun", run, "--as", "mei").out.strip()))
    assert (again.parent_id, again.origin) == (run, Origin.RERUN)
    assert (again.owner_id, again.visibility) == (mei.id, Visibility.PRIVATE)


def test_jobs_share_says_who_sees_the_run(studio: Studio, services: Services, mei: Actor) -> None:
    run = submitted(services, mei)
    assert studio("jobs", "share", run, "private").code == 0
    assert job_of(services.database, run).visibility is Visibility.PRIVATE
    assert studio("jobs", "share", run, "team").out == "The whole team sees it now.\n"
    assert job_of(services.database, run).visibility is Visibility.TEAM
    assert studio("jobs", "share", run, "nobody").code == 2


def test_jobs_download_saves_what_was_made_and_overwrites_nothing(
    studio: Studio, services: Services, mei: Actor, tmp_path: Path
) -> None:
    run, out = submitted(services, mei), tmp_path / "out"
    early = studio("jobs", "download", run, "--out", out)
    assert (early.code, "is queued and has no files" in early.err) == (1, True)
    assert run_next(services, Lane.CPU)

    paths = [Path(studio("jobs", "download", run, "--out", out).out.strip()) for _ in range(2)]
    assert [path.name for path in paths] == ["dog-upscaled.png", "dog-upscaled-2.png"]
    with Image.open(paths[0]) as made:
        assert made.size == (80, 60)
    other = studio("jobs", "download", run, "--role", "alpha")
    assert (other.code, "Choose one of the files it made." in other.err) == (1, True)


def test_jobs_download_of_a_file_that_is_gone_leaves_no_part_of_it(
    studio: Studio, services: Services, mei: Actor, tmp_path: Path
) -> None:
    run, out = submitted(services, mei), tmp_path / "out"
    assert run_next(services, Lane.CPU)
    services.blobs.delete(job_of(services.database, run).outputs[0].blob_sha256)
    outcome = studio("jobs", "download", run, "--out", out)
    assert (outcome.code, "It may have been purged" in outcome.err) == (1, True)
    assert list(out.iterdir()) == []


def test_jobs_pause_and_resume_move_a_batch(studio: Studio, services: Services, mei: Actor) -> None:
    item = {"image": store_upload(services, "dog.png", png(1, 40, 30))}
    first, _ = submit(services, mei, request(PIXELS, item, item))
    batch = job_of(services.database, first).batch_id
    assert studio("jobs", "pause", batch).out == "2 runs wait now.\n"
    assert job_of(services.database, first).state is JobState.WAITING
    assert studio("jobs", "resume", batch, "--as", "mei").out == "2 runs are queued again.\n"


@pytest.mark.parametrize(
    "deed", [("show",), ("cancel",), ("rerun",), ("share", "team"), ("download",)]
)
def test_jobs_deed_on_what_the_person_may_not_see_is_refused(
    studio: Studio, services: Services, mei: Actor, deed: tuple[str, ...]
) -> None:
    with services.database.write() as session:
        make_actor(session, name="bob")
    name, *rest = deed
    for run, whose in ((submitted(services, mei, is_private=True), "bob"), (uuid4(), "mei")):
        outcome = studio("jobs", name, run, *rest, "--as", whose)
        assert (outcome.code, "There is no such run" in outcome.err) == (1, True)


@pytest.mark.parametrize("deed", [("cancel",), ("rerun",), ("share", "private")])
def test_jobs_deed_of_a_viewer_is_refused(
    studio: Studio, services: Services, mei: Actor, deed: tuple[str, ...]
) -> None:
    with services.database.write() as session:
        make_actor(session, name="vic", role=Role.VIEWER)
    run = submitted(services, mei)
    name, *rest = deed
    outcome = studio("jobs", name, run, *rest, "--as", "vic")
    assert (outcome.code, "Viewers can look" in outcome.err) == (1, True)
    assert job_of(services.database, run).state is JobState.QUEUED


def test_jobs_as_nobody_who_is_known_is_refused(studio: Studio, services: Services) -> None:
    outcome = studio("jobs", "list", "--as", "nobody")
    assert (outcome.code, "no account called “nobody”" in outcome.err) == (1, True)


def test_jobs_as_somebody_whose_account_is_disabled_is_refused(
    studio: Studio, services: Services
) -> None:
    accounts.disable(services, make_person(services, "gone").id)
    outcome = studio("jobs", "list", "--as", "gone")
    assert (outcome.code, "“gone” is disabled" in outcome.err) == (1, True)


def test_jobs_show_what_is_no_id_is_refused_in_our_words(studio: Studio) -> None:
    outcome = studio("jobs", "show", "nope")
    assert outcome.code == 2
    assert "“nope” is no id." in outcome.err
