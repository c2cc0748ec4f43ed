from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.api.few_at_once import FewAtOnce


class Server:
    """Counts the requests it works on at once; each takes as long as ``is_open`` is unset."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.at_once = self.most_at_once = self.answered = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.is_open.wait()
        self.at_once -= 1
        await send({"type": "http.response.start", "status": 200})
        self.answered += 1


async def nothing() -> MutableMapping[str, Any]:
    return {}


async def read_at_once(_message: MutableMapping[str, Any]) -> None:
    """A client that takes what it gets."""


async def never_read(_message: MutableMapping[str, Any]) -> None:
    await asyncio.Event().wait()


async def ask(server: Server, requests: int, method: str) -> None:
    """All at once; the server may answer when all have been sent."""
    gate = FewAtOnce(server)
    scope = {"type": "http", "method": method}
    asked = [asyncio.create_task(gate(scope, nothing, read_at_once)) for _ in range(requests)]
    for _ in range(requests):
        await asyncio.sleep(0)
    server.is_open.set()
    await asyncio.gather(*asked)


@pytest.mark.parametrize(("method", "most"), [("GET", 2), ("HEAD", 2), ("POST", 10)])
def test_few_at_once_what_only_reads_waits_for_a_turn(method: str, most: int) -> None:
    async def watch() -> Server:
        server = Server()
        await ask(server, 10, method)
        return server

    server = asyncio.run(watch())
    assert (server.most_at_once, server.answered) == (most, 10)


def test_few_at_once_clients_that_do_not_read_their_answers_hold_up_nobody() -> None:
    async def watch() -> int:
        server = Server()
        server.is_open.set()
        gate = FewAtOnce(server)
        scope = {"type": "http", "method": "GET"}
        slow = [asyncio.create_task(gate(scope, nothing, never_read)) for _ in range(5)]
        await asyncio.sleep(0.05)
        await asyncio.wait_for(gate(scope, nothing, read_at_once), 30)
        for task in slow:
            task.cancel()
        await asyncio.wait(slow)
        return server.answered

    assert asyncio.run(watch()) == 1
