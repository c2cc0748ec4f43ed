from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.people.consent import has_consented
from db.actor import Actor
from db.repositories.audit import AuditRepository
from db.states import JobState
from studio.errors import Region
from studio.params import FaceChoice, FaceswapParams
from studio.words import msg
from tasks.services import Services
from tests.factories import make_job
from tests.pages.faceswap.swapping import FACES, SOURCE, TARGET, add_search, fill
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.navigated import drop, markup, open_page
from tests.people import HERE, make_person
from tests.pictures import png

pytestmark = pytest.mark.slow


def test_faceswap_first_asks_for_a_confirmation_and_records_it(
    services: Services, visit: Visit, tmp_path: Path
) -> None:
    li = make_person(services, "li")
    page = open_page(visit, tmp_path, "FACESWAP", li)
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
    page = open_page(visit, tmp_path, "FACESWAP", mei)
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
    page = open_page(visit, tmp_path, "FACESWAP", mei)
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
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE)
    assert not page.button(key="faceswap.run").disabled
    [box] = [each for each in page.selectbox if each.label == "Face 1"]
    box.set_value(0).run()
    assert page.button(key="faceswap.run").disabled
    assert [one for one in page.warning if "left alone" in one.value]


def test_faceswap_several_pictures_follow_a_rule(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    drop(page, [("a.png", png(4)), ("b.png", png(5))])
    drop(page, [("face.png", SOURCE)], zone=1)
    [ways] = [each for each in page.segmented_control if each.label == "Which faces"]
    assert "Face by face" not in ways.options
    ways.set_value("all").run()
    page.button(key="faceswap.run").click().run()
    params = [FaceswapParams.model_validate(job.params) for job in jobs_of(services, "faceswap")]
    assert params == [FaceswapParams(choice=FaceChoice.ALL)] * 2


def test_faceswap_from_a_run_opens_with_its_sources_and_mapping(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, TARGET, FACES)
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    fill(page, SOURCE, png(3))
    [box] = [each for each in page.selectbox if each.label == "Face 1"]
    box.set_value(2).run()
    page.button(key="faceswap.run").click().run()
    [first] = jobs_of(services, "faceswap")

    page = open_page(visit, tmp_path, "FACESWAP", mei)
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
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    page.query_params["job"] = str(refused)
    page.run()
    shown = markup(page)
    assert "Face 2 is turned too far." in shown
    assert shown.count("dr-box dr-found") == shown.count("dr-box dr-fault") == 1
    assert '<b class="dr-fault">2</b><span>turned too far</span>' in shown
