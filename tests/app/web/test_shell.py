from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.web.account_pages import account_routes
from app.web.shell import our_shell, shell_routes
from tasks.services import Services


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=[*shell_routes(), *account_routes(services)]))


def test_shell_speaks_in_our_name_alone(client: TestClient) -> None:
    page = client.get("/history").text
    assert "<title>Darkroom</title>" in page
    assert "Darkroom needs JavaScript." in page
    words = re.sub(r"<!--.*?-->|<[^>]*>", "", page, flags=re.DOTALL)
    assert "streamlit" not in words.lower()
    assert "service-desc" not in page


def test_shell_loads_our_script_before_any_other(client: TestClient) -> None:
    page = client.get("/cutout").text
    ours, *theirs = re.findall(r'<script type="module"[^>]* src="([^"]+)"', page)
    assert theirs
    assert "window.darkroom" in client.get(ours).text


def test_shell_of_a_page_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="title"):
        our_shell("<html><head><title>Other</title></head></html>")
