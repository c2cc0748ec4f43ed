from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.faces.library import save_face, saved_faces
from app.people.consent import give_consent, has_consented
from app.runs.page_memory import keep_tray
from db.actor import Actor
from db.models import Job
from db.repositories.audit import AuditRepository
from db.repositories.blobs import BlobRepository
from db.states import JobState
from db.types import Role, Visibility
from studio.errors import Region
from studio.models.catalogue import load_catalogue
from studio.models.weights import Installed, Missing, WeightStore
from studio.params import FaceChoice, FaceswapParams
from studio.tools.registry import TOOLS
from studio.words import msg
from tasks.services import Services
from tasks.submit import store_upload
from tests.factories import load_job, make_job, make_record
from tests.pages.harness import Visit, button, model_links
from tests.pages.navigated import drop, markup, navigated
from tests.people import HERE, make_person
from tests.pictures import png

pytestmark = pytest.mark.slow

TARGET, SOURCE = png(1), png(2)
FACES = [
    Region(0.1, 0.2, 0.1, 0.2, label="1"),
    Region(0.4, 0.2, 0.2, 0.4, label="2"),
    Region(0.8, 0.2, 0.1, 0.2, label="3"),
]


@pytest.fixture
def mei(services: Services) -> Actor:
    """A member who has confirmed."""
    actor = make_person(services)
    give_consent(services, actor, "faceswap", HERE)
    return actor


@pytest.fixture(autouse=True)
def weights(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model counts as installed: these pages only submit."""
    monkeypatch.setattr(WeightStore, "status", lambda *_: Installed(1))


def add_search(
    services: Services,
    owner: Actor,
    picture: bytes,
    regions: Sequence[Region] = (),
    **columns: object,
) -> None:
    """A search for faces of ``picture`` that has ended."""
    store_upload(services, "target.png", picture)
    notes = [] if regions else ["No face was found: the head fills the frame."]
    marked = [asdict(region) for region in regions]
    version = TOOLS["faces"].version
    record = make_record(tool_version=version) | {"regions": marked, "notes": notes}
    with services.database.write() as session:
        blob = BlobRepository(session).ensure(
            sha256(picture).hexdigest(),
            size_bytes=len(picture),
            media_type="image/png",
            width_px=24,
            height_px=16,
        )
        settled = {"record": record} | columns
        private = {"tool": "faces", "visibility": Visibility.PRIVATE}
        make_job(session, owner, image=blob, file_name="target.png", **private, **settled)


def jobs_of(services: Services, tool: str) -> list[Job]:
    with services.database.read() as session:
        ids = [job.id for job in session.query(Job).order_by(Job.id) if job.tool == tool]
    return [load_job(services.database, job_id) for job_id in ids]


def open_faceswap(visit: Visit, folder: Path, actor: Actor) -> AppTest:
    page = visit(navigated(folder, "FACESWAP"), actor)
    assert not page.exception
    return page


def fill(page: AppTest, *sources: bytes) -> None:
    drop(page, [("target.png", TARGET)])
    drop(page, [(f"face-{n}.png", data) for n, data in enumerate(sources, 1)], zone=1)
    assert not page.exception


def test_faceswap_first_asks_for_a_confirmation_and_records_it(
    services: Services, visit: Visit, tmp_path: Path
) -> None:
    li = make_person(services, "li")
    page = open_faceswap(visit, tmp_path, li)
    assert not page.file_uploader
    assert button(page, "Confirm and go on").disabled
    page.checkbox(key="consent.agrees").check().run()
    button(page, "Confirm and go on").click().run()
    assert len(page.file_uploader) == 2
    assert has_consented(services, li, "faceswap")
    with services.database.read() as session:
        [entry] = [row for row in AuditRepository(session).page(li) if "consent" in row.action]
    assert (entry.action, entry.actor_name, entry.ip) == ("faceswap.consent", "li", HERE.ip)


def test_faceswap_maps_each_found_face_to_a_source(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE, png(3))
    boxes = {each.label: each for each in page.selectbox if each.label.startswith("Face ")}
    assert [box.value for box in boxes.values()] == [0, 1, 0]  # the largest gets source 1
    boxes["Face 3"].set_value(2).run()
    page.button(key="faceswap.run").click().run()
    assert not page.exception
    [job] = jobs_of(services, "faceswap")
    assert FaceswapParams.model_validate(job.params) == FaceswapParams(faces=(None, 1, 2))
    inputs = [(file.role, file.file_name) for file in job.inputs]
    assert sorted(inputs) == [
        ("image", "target.png"),
        ("source", "face-1.png"),
        ("source", "face-2.png"),
    ]


def assigned(page: AppTest) -> list[int]:
    """What is chosen for each face: 0 to leave it alone, else the number of a source."""
    return [each.value for each in page.selectbox if each.label.startswith("Face ")]


def test_faceswap_sources_that_come_and_go_leave_the_choices_of_others(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    page.selectbox[0].set_value(1).run()
    drop(page, [("second.png", png(3))], zone=1)
    assert assigned(page) == [1, 1, 0]
    page.selectbox[2].set_value(2).run()
    page.button(key="source-0.remove").click().run()
    assert assigned(page) == [0, 0, 1]  # the second source is the first now
    page.button(key="source-0.remove").click().run()
    drop(page, [("third.png", png(4))], zone=1)
    assert assigned(page) == [0, 1, 0]  # as on a page just opened


def test_faceswap_with_every_face_left_alone_cannot_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES[:1])
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    assert not page.button(key="faceswap.run").disabled
    [box] = [each for each in page.selectbox if each.label == "Face 1"]
    box.set_value(0).run()
    assert page.button(key="faceswap.run").disabled
    assert [one for one in page.warning if "left alone" in one.value]


def test_faceswap_searches_each_picture_once_and_privately(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    page.run()
    known, started = jobs_of(services, "faces")
    assert known.inputs[0].blob_sha256 == sha256(TARGET).hexdigest()
    assert started.inputs[0].blob_sha256 == sha256(SOURCE).hexdigest()
    assert (started.state, started.visibility) == (JobState.QUEUED, Visibility.PRIVATE)


def test_faceswap_search_that_was_cancelled_is_not_begun_again_unasked(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, state=JobState.CANCELLED, record=None)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)

    def searches() -> list[JobState]:
        found = jobs_of(services, "faces")
        target = sha256(TARGET).hexdigest()
        return [job.state for job in found if job.inputs[0].blob_sha256 == target]

    assert searches() == [JobState.CANCELLED]
    assert "The search for faces was stopped." in markup(page)
    button(page, "Look again").click().run()
    assert searches() == [JobState.CANCELLED, JobState.QUEUED]


def test_faceswap_cancelled_search_of_a_source_can_be_repeated(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    add_search(services, mei, SOURCE, state=JobState.CANCELLED, record=None)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    button(page, "Look again").click().run()
    source = sha256(SOURCE).hexdigest()
    found = [job for job in jobs_of(services, "faces") if job.inputs[0].blob_sha256 == source]
    assert [job.state for job in found] == [JobState.CANCELLED, JobState.QUEUED]


def test_faceswap_search_that_failed_says_why_and_can_be_repeated(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    failed = {
        "state": JobState.FAILED,
        "error_message": msg("The network is gone."),
        "record": None,
    }
    add_search(services, mei, TARGET, **failed)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    assert "The network is gone." in markup(page)
    assert page.button(key="faceswap.run").disabled
    button(page, "Look again").click().run()
    again = [job for job in jobs_of(services, "faces") if job.state is JobState.QUEUED]
    assert len(again) == 2  # the target's second, and the source's first


def test_faceswap_no_face_found_is_said_before_the_run(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, [])
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    assert "No face was found: the head fills the frame." in markup(page)
    assert page.button(key="faceswap.run").disabled


def test_faceswap_several_pictures_follow_a_rule(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_faceswap(visit, tmp_path, mei)
    drop(page, [("a.png", png(4)), ("b.png", png(5))])
    drop(page, [("face.png", SOURCE)], zone=1)
    [ways] = [each for each in page.segmented_control if each.label == "Which faces"]
    assert "Face by face" not in ways.options
    ways.set_value("all").run()
    page.button(key="faceswap.run").click().run()
    params = [FaceswapParams.model_validate(job.params) for job in jobs_of(services, "faceswap")]
    assert params == [FaceswapParams(choice=FaceChoice.ALL)] * 2


def test_faceswap_saves_uses_and_deletes_a_face_of_ones_own(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_faceswap(visit, tmp_path, mei)
    drop(page, [("ana.png", SOURCE)], zone=1)
    [name] = [each for each in page.text_input if each.label == "Name"]
    name.set_value("Ana")
    button(page, "Save face").click().run()
    [face] = saved_faces(services, mei)
    assert (face.name, face.file_name) == ("Ana", "ana.png")

    assert page.button(key=f"use-{face.id.hex}").disabled  # it is among the sources
    keep_tray(services, mei, "faceswap.source", [])
    later = open_faceswap(visit, tmp_path, mei)
    later.button(key=f"use-{face.id.hex}").click().run()
    assert "Source 1" in markup(later)
    searched = {job.inputs[0].blob_sha256 for job in jobs_of(services, "faces")}
    assert searched == {sha256(SOURCE).hexdigest()}  # by its upload, not from the library
    later.button(key=f"forget-{face.id.hex}").click().run()
    later.button(key="delete-face").click().run()
    assert saved_faces(services, mei) == []


def test_faceswap_picture_in_which_no_face_was_found_is_not_saved(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, SOURCE)
    page = open_faceswap(visit, tmp_path, mei)
    drop(page, [("ana.png", SOURCE)], zone=1)
    [name] = [each for each in page.text_input if each.label == "Name"]
    name.set_value("Ana")
    button(page, "Save face").click().run()
    assert "No face was found in this picture" in page.error[0].value
    assert saved_faces(services, mei) == []


def test_faceswap_face_saved_before_its_picture_was_searched_is_marked(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    save_face(services, mei, store_upload(services, "ana.png", SOURCE), "Ana")
    page = open_faceswap(visit, tmp_path, mei)
    assert "No face found" not in markup(page)
    add_search(services, mei, SOURCE)
    page.run()
    assert "No face found" in markup(page)


def test_faceswap_saved_face_is_shown_without_the_rest_of_its_photo(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, SOURCE, FACES)
    save_face(services, mei, store_upload(services, "ana.png", SOURCE), "Ana")
    page = open_faceswap(visit, tmp_path, mei)
    [cropped] = re.findall(r'alt="Ana" style="width: ([0-9.]+)%', markup(page))
    assert float(cropped) == 300  # of the frame: a third of the photo holds the largest face


def test_faceswap_shows_nobody_elses_faces(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "ana.png", SOURCE)
    save_face(services, mei, stored, "Ana")
    boss = make_person(services, "boss", Role.ADMIN)
    give_consent(services, boss, "faceswap", HERE)
    assert "Ana" not in markup(open_faceswap(visit, tmp_path, boss))
    assert "Ana" in markup(open_faceswap(visit, tmp_path, mei))


def test_faceswap_from_a_run_opens_with_its_sources_and_mapping(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE, png(3))
    [box] = [each for each in page.selectbox if each.label == "Face 1"]
    box.set_value(2).run()
    page.button(key="faceswap.run").click().run()
    [first] = jobs_of(services, "faceswap")

    page = open_faceswap(visit, tmp_path, mei)
    page.query_params["from"] = str(first.id)
    page.run()
    assert not page.exception
    values = [each.value for each in page.selectbox if each.label.startswith("Face ")]
    assert values == [2, 1, 0]
    page.button(key="faceswap.run").click().run()
    again = jobs_of(services, "faceswap")[-1]
    assert again.parent_id == first.id
    assert again.params == first.params
    assert len(again.inputs) == 3


def test_faceswap_refusal_is_drawn_on_the_picture(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    fault = Region(0.4, 0.2, 0.2, 0.4, label="2", text=msg("turned too far"), is_fault=True)
    with services.database.write() as session:
        refused = make_job(
            session,
            mei,
            tool="faceswap",
            state=JobState.FAILED,
            error_code="faceswap.no_usable_face",
            error_message=msg("Face 2 is turned too far."),
            error_regions=[FACES[0].to_json(), fault.to_json()],
        ).id
    page = open_faceswap(visit, tmp_path, mei)
    page.query_params["job"] = str(refused)
    page.run()
    shown = markup(page)
    assert "Face 2 is turned too far." in shown
    assert shown.count("dr-box dr-found") == shown.count("dr-box dr-fault") == 1
    assert '<b class="dr-fault">2</b><span>turned too far</span>' in shown


def test_faceswap_without_its_models_leads_to_them(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(WeightStore, "status", lambda *_: Missing(()))
    page = open_faceswap(visit, tmp_path, mei)
    assert model_links(page) == ["tool=faceswap"]
    page.selectbox(key="faceswap.new.model").set_value("inswapper-128").run()
    assert model_links(page) == ["tool=faceswap", "tool=faceswap"]


def have(services: Services, patch: pytest.MonkeyPatch, *model_ids: str) -> None:
    """The search for faces and these models are installed, no others."""
    installed = {spec.id for spec in load_catalogue().for_tool("faces")} | set(model_ids)
    patch.setattr(
        WeightStore,
        "status",
        lambda _, model_id: Installed(1) if model_id in installed else Missing(()),
    )


def test_faceswap_by_a_network_names_all_that_it_needs(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    have(services, monkeypatch, "ghost-1-256")
    page = open_faceswap(visit, tmp_path, mei)
    page.selectbox(key="faceswap.new.model").set_value("ghost-1-256").run()
    commands = [each.value for each in page.code]
    assert commands == ["studio weights pull arcface-w600k-r50 crossface-ghost"]
    assert ">No commercial use<" in markup(page)
    have(services, monkeypatch, "ghost-1-256", "crossface-ghost", "w600k-r50")
    page.run()
    assert not page.code


def test_faceswap_by_likeness_with_a_network_names_what_both_need_once(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    have(services, monkeypatch, "ghost-1-256", "crossface-ghost")
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    [ways] = [each for each in page.segmented_control if each.label == "Which faces"]
    ways.set_value("likeness").run()
    page.selectbox(key="faceswap.new.model").set_value("ghost-1-256").run()
    assert not page.exception
    assert [each.value for each in page.code] == ["studio weights pull arcface-w600k-r50"]
    assert page.button(key="faceswap.run").disabled


def test_faceswap_by_likeness_is_not_content_with_a_bridge(
    services: Services,
    visit: Visit,
    tmp_path: Path,
    mei: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    have(services, monkeypatch, "crossface-ghost")
    page = open_faceswap(visit, tmp_path, mei)
    fill(page, SOURCE)
    [ways] = [each for each in page.segmented_control if each.label == "Which faces"]
    ways.set_value("likeness").run()
    assert [each.value for each in page.code] == ["studio weights pull arcface-w600k-r50"]
    have(services, monkeypatch, "w600k-r50")
    page.run()
    assert not page.code
    assert len(page.file_uploader) == 3
