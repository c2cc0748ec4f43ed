from __future__ import annotations

import re

from starlette.testclient import TestClient

from tasks.services import Services
from tests.people import HERE, make_person, open_session


def test_page_and_description_are_for_who_is_signed_in(
    services: Services, browser: TestClient
) -> None:
    answer = browser.get("/api/docs")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/account/sign-in?next=/api/docs",
    )
    assert browser.get("/api/openapi.json").status_code == 401
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    assert browser.get("/api/docs").status_code == 200
    assert browser.get("/api/openapi.json").json()["openapi"].startswith("3.")


def test_page_is_whole_without_any_other_host(services: Services, browser: TestClient) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    page = browser.get("/api/docs")
    parts = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(parts) == 4
    for part in parts:
        assert part.startswith("/")
        assert browser.get(part).status_code == 200
    policy = page.headers["content-security-policy"]
    assert "http" not in policy
    assert "*" not in policy


def test_description_names_how_to_sign_in_what_to_send_and_what_errors_look_like(
    services: Services, browser: TestClient
) -> None:
    browser.cookies.set("studio", open_session(services, make_person(services).id, HERE))
    document = browser.get("/api/openapi.json").json()
    assert document["components"]["securitySchemes"].keys() == {"token", "session"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert {"token": []} in operation["security"], (path, method)
            for status, answer in operation["responses"].items():
                if status >= "400":
                    [content] = answer["content"].values()
                    assert content["schema"]["$ref"].endswith("/ErrorView"), (path, status)
            for parameter in operation.get("parameters", []):
                assert parameter["in"] == "path" or parameter["description"], (path, parameter)
    form = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"image", "mask", "drawing", "background", "source"} <= form["schema"][
        "properties"
    ].keys()
