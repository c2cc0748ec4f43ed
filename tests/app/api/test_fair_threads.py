from __future__ import annotations

import asyncio
from threading import Event, Lock

import pytest

from app.api.fair_threads import FairThreads
from studio.errors import RetriableError


def test_fair_threads_one_person_waits_for_themselves_and_nobody_else() -> None:
    threads, may_end = FairThreads(), Event()
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
    threads, may_end = FairThreads(), Event()

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
    threads = FairThreads()

    def fail() -> None:
        raise ValueError("no")

    async def scene() -> str:
        for _ in range(20):
            with pytest.raises(ValueError, match="no"):
                await threads.run("mei", fail)
        return await threads.run("mei", lambda: "served")

    assert asyncio.run(scene()) == "served"
