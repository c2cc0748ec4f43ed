"""A cutout by a mask that its sender gives: a network takes the hole of a ring for the ring."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from db.actor import Actor
from db.types import Lane
from tasks.execute import run_next
from tasks.services import Services
from tests.app.api.calls import inputs_of, send
from tests.pictures import encoded_mask, png
from tests.rows import job_of

SIDE_PX = 80
HOLE, BAND = (SIDE_PX // 2, SIDE_PX // 2), (SIDE_PX // 2, SIDE_PX // 2 + 20)
"""Row and column of a pixel inside of the ring, and of one of the ring itself."""


def ring_mask() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """255 on a ring, and 0 in its hole and around it."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] - SIDE_PX // 2
    distance = np.hypot(x, y)
    return np.where((distance > 12) & (distance < 30), np.uint8(255), np.uint8(0))


def ring() -> bytes:
    """A golden ring on grey."""
    is_ring = ring_mask()[..., np.newaxis] > 0
    pixels = np.where(is_ring, (212, 175, 55), (120, 120, 120)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_submit_cutout_with_a_given_alpha_makes_the_hole_of_a_ring_transparent(
    services: Services, browser: TestClient, mei: Actor
) -> None:
    answer = send(browser, "cutout", ("image", ring()), ("alpha", encoded_mask(ring_mask())))
    assert answer.status_code == 202, answer.text
    assert inputs_of(browser, answer) == [("alpha", "alpha-1.png"), ("image", "image-0.png")]
    assert run_next(services, Lane.CPU)

    [job_id] = answer.json()["job_ids"]
    job = job_of(services.database, UUID(job_id))
    made = {file.role: services.blobs.read(file.blob_sha256) for file in job.outputs}
    with Image.open(BytesIO(made["image"])) as image:
        alpha = np.asarray(image.getchannel("A"))
    assert (alpha[HOLE], alpha[BAND], alpha[0, 0]) == (0, 255, 0)
    assert (job.record or {})["weights"] == []


def test_submit_cutout_with_an_alpha_of_another_size_is_refused_and_names_both(
    browser: TestClient, mei: Actor
) -> None:
    files = (("image", ring()), ("alpha", encoded_mask(ring_mask()[:40])))
    answer = send(browser, "cutout", *files)
    assert (answer.status_code, answer.json()["code"]) == (422, "cutout.alpha_size")
    sizes = "alpha-1.png: “Alpha mask” is 80 × 40 px and the picture 80 × 80"
    assert sizes in answer.json()["message"]


@pytest.mark.parametrize("alpha", [b"no picture", b""])
def test_submit_cutout_with_an_alpha_that_is_no_picture_is_refused(
    browser: TestClient, mei: Actor, alpha: bytes
) -> None:
    answer = send(browser, "cutout", ("image", png()), ("alpha", alpha))
    assert answer.status_code == 422
    assert answer.json()["code"].startswith("image.")


def test_tools_say_that_a_cutout_takes_an_alpha(browser: TestClient, mei: Actor) -> None:
    tools = {tool["name"]: tool for tool in browser.get("/api/v1/tools").json()}
    assert tools["cutout"]["optional_roles"] == ["alpha", "background"]
    assert "alpha" in [role["name"] for role in tools["cutout"]["roles"]]
