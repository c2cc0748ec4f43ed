from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

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


def test_our_script_knows_the_message_that_asks_for_a_run(client: TestClient) -> None:
    [ours] = re.findall(r'src="(/account/assets/frame[^"]+)"', client.get("/cutout").text)
    begins = BackMsg(rerun_script=ClientState(query_string="a=b")).SerializeToString()[0]
    assert f"const RERUN = 0x{begins:02x}\n" in client.get(ours).text
