from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.few_at_once import FewAtOnce
from app.api.pages_first import pages_first
from db.actor import Actor
from db.types import Role


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


PEOPLE = {name: Actor(uuid4(), name, Role.MEMBER) for name in ("mei", "tom")}


def identify(request: Request) -> Actor | None:
    """Mei and Tom, by tokens that begin with their names."""
    return PEOPLE.get(request.headers.get("authorization", "").partition(" ")[0])


def gate_before(server: ASGIApp) -> FewAtOnce:
    return FewAtOnce(server, identify=identify)


def asked_with(token: str, method: str = "GET") -> Scope:
    return {"type": "http", "method": method, "headers": [(b"authorization", token.encode())]}


async def reach(server: Server, at_once: int) -> None:
    """Wait until the server works on so many, or more."""
    async with asyncio.timeout(30):
        while server.at_once < at_once:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("method", "most"), [("GET", 2), ("HEAD", 2), ("POST", 10)])
def test_few_at_once_what_only_reads_waits_for_a_turn(method: str, most: int) -> None:
    async def watch() -> Server:
        server = Server()
        gate = gate_before(server)
        asked = [
            asyncio.create_task(gate(asked_with("mei", method), nothing, read_at_once))
            for _ in range(10)
        ]
        await reach(server, most)
        server.is_open.set()
        await asyncio.gather(*asked)
        return server

    server = asyncio.run(watch())
    assert (server.most_at_once, server.answered) == (most, 10)


def test_few_at_once_one_person_with_many_tokens_waits_for_themselves_and_nobody_else() -> None:
    async def watch() -> tuple[list[str], int]:
        server, order = Server(), []

        async def note(scope: Scope, receive: Receive, send: Send) -> None:
            order.append(scope["state"]["asker"].name)
            await server(scope, receive, send)

        gate = gate_before(note)
        asked = [
            asyncio.create_task(gate(asked_with(f"mei {number}"), nothing, read_at_once))
            for number in range(40)
        ]
        await reach(server, 2)
        asked.append(asyncio.create_task(gate(asked_with("tom"), nothing, read_at_once)))
        async with asyncio.timeout(30):
            while not gate._lookups._of_each._people:
                await asyncio.sleep(0.01)
        server.is_open.set()
        await asyncio.gather(*asked)
        return order, server.answered

    order, answered = asyncio.run(watch())
    assert answered == 41
    assert order.index("tom") <= 4, "two that are being answered, and two that may be the next"


def test_few_at_once_asker_who_is_nobody_once_their_turn_comes_is_handed_on_as_nobody() -> None:
    async def watch() -> list[Actor | None]:
        server, askers, gone = Server(), [], asyncio.Event()

        def identify_who_is_here(request: Request) -> Actor | None:
            return None if gone.is_set() else identify(request)

        async def note(scope: Scope, receive: Receive, send: Send) -> None:
            askers.append(scope["state"]["asker"])
            await server(scope, receive, send)

        gate = FewAtOnce(note, identify=identify_who_is_here)
        asked = [
            asyncio.create_task(gate(asked_with("mei"), nothing, read_at_once)) for _ in range(3)
        ]
        await reach(server, 2)
        async with asyncio.timeout(30):
            while gate._reads._of_each._people[PEOPLE["mei"].id].calls < 3:
                await asyncio.sleep(0.01)
        gone.set()
        server.is_open.set()
        await asyncio.gather(*asked)
        return askers

    mei = PEOPLE["mei"]
    assert asyncio.run(watch()) == [mei, mei, None]


def test_few_at_once_changes_do_not_wait_for_what_only_reads() -> None:
    async def watch() -> int:
        server = Server()
        gate = gate_before(server)
        asked = [
            asyncio.create_task(gate(asked_with(f"mei {number}"), nothing, read_at_once))
            for number in range(10)
        ]
        await reach(server, 2)
        asked.append(asyncio.create_task(gate(asked_with("tom", "POST"), nothing, read_at_once)))
        await reach(server, 3)
        at_once = server.at_once
        server.is_open.set()
        await asyncio.gather(*asked)
        return at_once

    assert asyncio.run(watch()) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_few_at_once_scripts_let_a_page_that_is_drawn_pass(method: str) -> None:
    async def watch() -> tuple[int, int]:
        server = Server()
        server.is_open.set()
        with pages_first().drawing():
            asked = asyncio.create_task(
                gate_before(server)(asked_with("mei", method), nothing, read_at_once)
            )
            await asyncio.sleep(0.02)
            meanwhile = server.answered
        await asked
        return meanwhile, server.answered

    assert asyncio.run(watch()) == (0, 1)


def test_few_at_once_reads_that_need_not_wait_are_looked_up_once() -> None:
    async def watch() -> int:
        server, lookups = Server(), []
        server.is_open.set()

        def identify_and_count(request: Request) -> Actor | None:
            lookups.append(request)
            return identify(request)

        gate = FewAtOnce(server, identify=identify_and_count)
        for _ in range(3):
            await gate(asked_with("mei"), nothing, read_at_once)
        return len(lookups)

    assert asyncio.run(watch()) == 3


def test_few_at_once_more_requests_than_anybody_needs_are_refused() -> None:
    async def watch() -> tuple[int, list[int]]:
        server, statuses = Server(), []

        async def note(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        gate = gate_before(server)
        asked = [asyncio.create_task(gate(asked_with("mei"), nothing, note)) for _ in range(110)]
        async with asyncio.timeout(30):
            while len(statuses) < 6:  # all that are refused: the others wait
                await asyncio.sleep(0.01)
        server.is_open.set()
        await asyncio.gather(*asked)
        return server.answered, statuses

    answered, statuses = asyncio.run(watch())
    assert answered == statuses.count(200) == 104
    assert statuses.count(429) == 6


def test_few_at_once_clients_that_do_not_read_their_answers_hold_up_nobody() -> None:
    async def watch() -> int:
        server, arrived = Server(), []
        server.is_open.set()
        gate = gate_before(server)

        async def never_read(message: MutableMapping[str, Any]) -> None:
            arrived.append(message)
            await asyncio.Event().wait()

        slow = [asyncio.create_task(gate(asked_with("mei"), nothing, never_read)) for _ in range(5)]
        async with asyncio.timeout(30):
            while len(arrived) < 5:
                await asyncio.sleep(0.01)
        await asyncio.wait_for(gate(asked_with("mei"), nothing, read_at_once), 30)
        for task in slow:
            task.cancel()
        await asyncio.wait(slow)
        return server.answered

    assert asyncio.run(watch()) == 1
