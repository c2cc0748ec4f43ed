from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from app.faces.library import save_face, saved_faces
from app.people.consent import give_consent
from app.runs.page_memory import keep_tray
from db.actor import Actor
from db.types import Role
from tasks.services import Services
from tasks.submit import store_upload
from tests.pages.faceswap.swapping import FACES, SOURCE, add_search
from tests.pages.harness import Visit, button, jobs_of
from tests.pages.navigated import drop, markup, open_page
from tests.people import HERE, make_person

pytestmark = pytest.mark.slow


def test_faceswap_saves_uses_and_deletes_a_face_of_ones_own(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    drop(page, [("ana.png", SOURCE)], zone=1)
    [name] = [each for each in page.text_input if each.label == "Name"]
    name.set_value("Ana")
    button(page, "Save face").click().run()
    [face] = saved_faces(services, mei)
    assert (face.name, face.file_name) == ("Ana", "ana.png")

    assert page.button(key=f"use-{face.id.hex}").disabled  # it is among the sources
    keep_tray(services, mei, "faceswap.source", [])
    later = open_page(visit, tmp_path, "FACESWAP", mei)
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
    page = open_page(visit, tmp_path, "FACESWAP", mei)
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
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    assert "No face found" not in markup(page)
    add_search(services, mei, SOURCE)
    page.run()
    assert "No face found" in markup(page)


def test_faceswap_saved_face_is_shown_without_the_rest_of_its_photo(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    add_search(services, mei, SOURCE, FACES)
    save_face(services, mei, store_upload(services, "ana.png", SOURCE), "Ana")
    page = open_page(visit, tmp_path, "FACESWAP", mei)
    [cropped] = re.findall(r'alt="Ana" style="width: ([0-9.]+)%', markup(page))
    assert float(cropped) == 300  # of the frame: a third of the photo holds the largest face


def test_faceswap_shows_nobody_elses_faces(
    services: Services, visit: Visit, tmp_path: Path, mei: Actor
) -> None:
    stored = store_upload(services, "ana.png", SOURCE)
    save_face(services, mei, stored, "Ana")
    boss = make_person(services, "boss", Role.ADMIN)
    give_consent(services, boss, "faceswap", HERE)
    assert "Ana" not in markup(open_page(visit, tmp_path, "FACESWAP", boss))
    assert "Ana" in markup(open_page(visit, tmp_path, "FACESWAP", mei))
