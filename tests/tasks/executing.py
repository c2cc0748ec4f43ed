"""A job that is submitted and run, for tests of what workers do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from uuid import UUID

from db.actor import Actor
from db.types import Lane
from studio.params import UpscaleParams
from tasks.execute import run_next
from tasks.services import Services
from tasks.submit import store_upload, submit
from tests.pictures import png
from tests.requests import request

PARAMS = UpscaleParams(model="interpolation")


def submit_one(services: Services, actor: Actor) -> UUID:
    stored = store_upload(services, "cat.png", png())
    [job_id] = submit(services, actor, request(PARAMS, {"image": stored}))
    return job_id


def run_all(services: Services) -> None:
    while run_next(services, Lane.CPU):
        pass


@contextmanager
def running(services: Services) -> Iterator[Thread]:
    """A worker that runs one job beside the test."""
    thread = Thread(target=run_next, args=(services, Lane.CPU))
    thread.start()
    yield thread
    thread.join(timeout=20)
    assert not thread.is_alive()
