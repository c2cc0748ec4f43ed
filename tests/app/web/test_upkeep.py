from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator

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
