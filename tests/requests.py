"""Requests for runs, written as tests think of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from studio.params import ToolParams, UpscaleParams
from tasks.files import StoredFile
from tasks.requests import ResultOf, RunItem, RunRequest
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.factories import make_actor
from tests.pictures import png

Given = StoredFile | ResultOf
Files = Mapping[str, Given | Sequence[Given]]


def request(params: ToolParams, *items: Files, **options: Any) -> RunRequest:
    """A run for each of ``items``, whose files stand alone or in lists."""
    return RunRequest(params, [RunItem(_listed(files)) for files in items], **options)


def _listed(files: Files) -> dict[str, Sequence[Given]]:
    return {role: [given] if isinstance(given, Given) else given for role, given in files.items()}


def submit_jobs(services: Services, count: int) -> list[UUID]:
    """So many small jobs of somebody's; no token tells of them."""
    with services.database.write() as session:
        actor = make_actor(session)
    item = {"image": store_upload(services, "cat.png", png())}
    params = UpscaleParams(model="interpolation")
    job_ids = submit(services, actor, request(params, *([item] * count)))
    for token in (services.settings.data_dir / "broker").iterdir():
        token.unlink()
    return job_ids
