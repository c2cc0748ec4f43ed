from __future__ import annotations

import asyncio
from collections.abc import Iterator
from threading import Event, Lock, current_thread

import pytest

from app.api.fair_threads import FairThreads, FairTurns, password_threads
from studio.errors import RetriableError


def test_fair_threads_one_person_waits_for_themselves_and_nobody_else() -> None:
    threads, may_end = FairThreads(64, FairTurns()), Event()
    started, lock = [], Lock()

    def hang() -> None:
        with lock:
            started.append(1)
        assert may_end.wait(timeout=30)

    async def scene() -> tuple[str, int]:
        hanging = [asyncio.create_task(threads.run("mei", hang)) for _ in range(40)]
        while len(started) < 4:
            await asyncio.sleep(0.01)
        answer = await threads.run("tom", lambda: "served")
        busy = len(started)
        may_end.set()
        await asyncio.gather(*hanging)
        return answer, busy

    assert asyncio.run(scene()) == ("served", 4)
    assert len(started) == 40


def test_fair_threads_more_requests_than_anybody_needs_are_refused() -> None:
    threads, may_end = FairThreads(64, FairTurns()), Event()

    async def scene() -> list[object]:
        calls = [threads.run("mei", lambda: may_end.wait(timeout=30)) for _ in range(110)]
        tasks = [asyncio.create_task(call) for call in calls]
        await asyncio.sleep(0)
        may_end.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = asyncio.run(scene())
    refused = [outcome for outcome in outcomes if isinstance(outcome, RetriableError)]
    assert [error.code for error in refused] == ["request.too_many"] * 6
    assert outcomes.count(True) == 104


def test_fair_threads_call_that_fails_gives_its_turn_back() -> None:
    threads = FairThreads(64, FairTurns())

    def fail() -> None:
        raise ValueError("no")

    async def scene() -> str:
        for _ in range(20):
            with pytest.raises(ValueError, match="no"):
                await threads.run("mei", fail)
        return await threads.run("mei", lambda: "served")

    assert asyncio.run(scene()) == "served"


def test_fair_threads_each_gives_all_in_threads_of_their_own() -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield current_thread().name.partition("_")[0].encode()

    async def scene() -> list[bytes]:
        return [piece async for piece in FairThreads(1, FairTurns()).each(pieces())]

    assert asyncio.run(scene()) == [b"person"] * 3


def test_password_threads_one_address_leaves_a_thread_to_others() -> None:
    threads, may_end = password_threads(), Event()

    async def scene() -> list[object]:
        calls = [threads.run("192.0.2.7", lambda: may_end.wait(timeout=30)) for _ in range(32)]
        tasks = [asyncio.create_task(call) for call in calls]
        answer = await threads.run("192.0.2.8", lambda: "served")
        may_end.set()
        return [answer, *await asyncio.gather(*tasks, return_exceptions=True)]

    served, *outcomes = asyncio.run(scene())
    assert served == "served"
    assert [error.code for error in outcomes if isinstance(error, RetriableError)] == [
        "request.too_many"
    ]
    assert outcomes.count(True) == 31
