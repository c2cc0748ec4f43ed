from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from threading import Event
from typing import Never

import pytest
from starlette.applications import Starlette

from app.web.upkeep import upkeep
from tasks.services import Services


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_process_that_serves_looks_for_garbage_among_what_came_since_alone(
    services: Services,
) -> None:
    async def serve() -> list[bool]:
        async with upkeep(services, Starlette()):
            come_since = [Starlette()]
            looked_at = {id(thing) for thing in gc.get_objects()}
            return [id(thing) in looked_at for thing in (vars(json), come_since)]

    assert asyncio.run(serve()) == [False, True]


def test_tidying_goes_on_after_a_disk_that_fails(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[int] = []
    is_tidied_again = Event()

    def fail_once(_: Services) -> None:
        tidied.append(1)
        if len(tidied) == 1:
            raise OSError("the disk went away")
        is_tidied_again.set()

    async def serve() -> bool:
        async with upkeep(services, Starlette()):
            return await asyncio.to_thread(is_tidied_again.wait, 30)

    monkeypatch.setattr("app.web.upkeep.tidy", fail_once)
    monkeypatch.setattr("app.web.upkeep._EVERY_S", 0.01)
    assert asyncio.run(serve())


def test_tidying_that_ends_for_good_is_in_the_log(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Services) -> Never:
        raise LookupError("a fault of ours")

    async def serve() -> None:
        async with upkeep(services, Starlette()):
            async with asyncio.timeout(30):
                while "a fault of ours" not in caplog.text:
                    await asyncio.sleep(0.01)

    monkeypatch.setattr("app.web.upkeep.tidy", fail)
    asyncio.run(serve())
    assert "the disk is not tidied any more" in caplog.text
