from __future__ import annotations

from starlette.testclient import TestClient

from db.actor import Actor
from studio.tools.registry import TOOLS


def test_tools_are_listed_with_the_schema_of_their_parameters(
    browser: TestClient, mei: Actor
) -> None:
    tools = {tool["name"]: tool for tool in browser.get("/api/v1/tools").json()}
    assert tools.keys() == TOOLS.keys()
    assert tools["cutout"]["required_roles"] == ["image"]
    assert tools["cutout"]["params"]["properties"]["feather_px"]["maximum"] == 50
    assert tools["cutout"]["params"]["additionalProperties"] is False


def test_tools_say_what_callers_may_send_and_what_must_be_confirmed(
    browser: TestClient, mei: Actor
) -> None:
    tools = {tool["name"]: tool for tool in browser.get("/api/v1/tools").json()}
    assert tools["faceswap"]["repeatable_roles"] == ["source"]
    files = {role["name"]: role["max_files"] for role in tools["faceswap"]["roles"]}
    assert files == {"image": 1, "source": 16, "reference": 1}
    assert "agreed" in tools["faceswap"]["consent"]
    assert tools["cutout"]["consent"] == ""
    assert tools["inpaint"]["optional_roles"] == ["mask", "drawing"]
    assert tools["cartoon"]["optional_roles"] == ["render", "alpha"]
    assert all(tool["is_on"] for tool in tools.values())
