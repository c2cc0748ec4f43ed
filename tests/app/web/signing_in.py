"""Signing in and passwords, as the forms of a browser send them."""

from __future__ import annotations

from httpx2 import Response
from starlette.testclient import TestClient

from tests.people import PASSWORD


def sign_in(
    browser: TestClient, name: str = "mei", password: str = PASSWORD, next: str = ""
) -> Response:
    form = {"name": name, "password": password, "next": next}
    return browser.post("/account/sign-in", data=form)


def change_password(
    browser: TestClient, current: str, new: str, repeat: str | None = None
) -> Response:
    form = {"current": current, "new": new, "repeat": new if repeat is None else repeat}
    return browser.post("/account/password", data=form)
