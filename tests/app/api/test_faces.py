from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from db.actor import Actor
from db.types import Role
from tasks.services import Services
from tests.app.api.calls import inputs_of, save_face, send, use_token
from tests.people import make_person
from tests.pictures import png


def test_saved_face_is_the_owners_alone_and_can_be_a_source(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    face = save_face(browser, png(5)).json()
    assert [one["name"] for one in browser.get("/api/v1/faces").json()] == ["Ana"]
    assert browser.get(f"/thumbnails/{face['sha256']}").status_code == 200
    browser.post("/api/v1/tools/faceswap/consent")
    answer = send(browser, "faceswap", ("image", png(1)), source=face["id"])
    assert ("source", "ana.png") in inputs_of(browser, answer)

    other = save_face(browser, png(6)).json()
    use_token(services, browser, make_person(services, "boss", Role.ADMIN))
    assert browser.get("/api/v1/faces").json() == []
    assert browser.delete(f"/api/v1/faces/{other['id']}").json() == {"deleted": False}
    assert browser.get(f"/thumbnails/{other['sha256']}").status_code == 404
    browser.post("/api/v1/tools/faceswap/consent")
    stolen = send(browser, "faceswap", ("image", png(1)), source=other["id"])
    assert (stolen.status_code, stolen.json()["code"]) == (404, "face.not_found")

    use_token(services, browser, mei)
    assert browser.delete(f"/api/v1/faces/{other['id']}").json() == {"deleted": True}
    assert [one["id"] for one in browser.get("/api/v1/faces").json()] == [face["id"]]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [(png(), "  ", "face.name_invalid"), (b"text", "Ana", "image.not_an_image")],
)
def test_save_face_refusals(
    browser: TestClient, mei: Actor, data: bytes, name: str, code: str
) -> None:
    assert save_face(browser, data, name).json()["code"] == code
    assert browser.get("/api/v1/faces").json() == []
