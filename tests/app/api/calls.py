"""What tests of REST send, and who sends it."""

from __future__ import annotations

from httpx2 import Response
from starlette.testclient import TestClient

from app.people.sessions import create_api_token
from db.actor import Actor
from tasks.services import Services
from tests.people import HERE


def use_token(services: Services, browser: TestClient, actor: Actor) -> None:
    token = create_api_token(services, actor, "tests", HERE)
    browser.headers["Authorization"] = f"Bearer {token}"


def submit(browser: TestClient, *pictures: bytes, **fields: str) -> Response:
    files = [("image", (f"{n}.png", data, "image/png")) for n, data in enumerate(pictures)]
    return browser.post("/api/v1/jobs", data={"tool": "upscale", **fields}, files=files)


def send(browser: TestClient, tool: str, *files: tuple[str, bytes], **fields: str) -> Response:
    """Files in their roles; a role may come several times."""
    parts = [(role, (f"{role}-{n}.png", data)) for n, (role, data) in enumerate(files)]
    return browser.post("/api/v1/jobs", data={"tool": tool, **fields}, files=parts)


def inputs_of(browser: TestClient, answer: Response) -> list[tuple[str, str]]:
    [job_id] = answer.json()["job_ids"]
    job = browser.get(f"/api/v1/jobs/{job_id}").json()
    return sorted((file["role"], file["file_name"]) for file in job["inputs"])


def save_face(browser: TestClient, data: bytes, name: str = "Ana") -> Response:
    files = {"image": ("ana.png", data, "image/png")}
    return browser.post("/api/v1/faces", data={"name": name}, files=files)
