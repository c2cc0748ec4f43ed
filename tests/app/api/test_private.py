"""Runs made from private ones over REST: who sees them, where the form says it and where not."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from db.actor import Actor
from tests.app.api.calls import submit
from tests.pictures import png

STEP = {"tool": "upscale", "params": {"model": "interpolation", "scale": 2}}
ON_PICTURE = {"tool": "cutout", "params": {"output": "picture"}}


@pytest.fixture
def private(browser: TestClient, mei: Actor) -> str:
    """The name of what a private run makes."""
    [job_id] = submit(browser, png(), visibility="private").json()["job_ids"]
    return f"job:{job_id}"


def visibility(browser: TestClient, address: str, **fields: str) -> str:
    """Of the one run that the form asks for."""
    answer = browser.post(address, data=fields)
    assert answer.status_code == 202, answer.text
    [job_id] = answer.json()["job_ids"]
    return str(browser.get(f"/api/v1/jobs/{job_id}").json()["visibility"])


@pytest.mark.parametrize(
    ("said", "seen"),
    [({}, "private"), ({"visibility": ""}, "private"), ({"visibility": "team"}, "team")],
)
def test_submit_result_of_a_private_run_is_private_unless_the_form_says_otherwise(
    browser: TestClient, private: str, said: dict[str, str], seen: str
) -> None:
    assert visibility(browser, "/api/v1/jobs", tool="upscale", image=private, **said) == seen


@pytest.mark.parametrize(("said", "seen"), [({}, "private"), ({"visibility": "team"}, "team")])
@pytest.mark.parametrize(
    ("steps", "role"), [([STEP, STEP], "1.image"), ([STEP, ON_PICTURE], "2.background")]
)
def test_chain_that_takes_of_a_private_run_is_private_unless_the_form_says_otherwise(
    browser: TestClient,
    private: str,
    steps: list[object],
    role: str,
    said: dict[str, str],
    seen: str,
) -> None:
    [public] = submit(browser, png(1)).json()["job_ids"]
    files = {"1.image": f"job:{public}"} | {role: private}
    fields = {"steps": json.dumps(steps)} | files | said
    assert visibility(browser, "/api/v1/chains", **fields) == seen


def test_submit_result_of_a_run_of_the_teams_is_the_teams(browser: TestClient, mei: Actor) -> None:
    [public] = submit(browser, png()).json()["job_ids"]
    assert visibility(browser, "/api/v1/jobs", tool="upscale", image=f"job:{public}") == "team"
