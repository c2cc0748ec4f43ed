"""Blocking work that people ask for, in threads of its own and in fair turns.

The server's shared threads look up sessions and answer pages: what waits for a file to be read, or
for storage, must not take them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import lru_cache, partial, wraps
from typing import ParamSpec, TypeVar

from db.actor import Actor
from studio.errors import RetriableError
from studio.words import msg

Result = TypeVar("Result")
Args = ParamSpec("Args")

_MOST_OF_ONE = 4
_MOST_WAITING_OF_ONE = 100
_MOST_THREADS = 64
_BUSY_S = 5


@dataclass(slots=True)
class _Person:
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_OF_ONE))
    calls: int = 0


class FairTurns:
    """A few of each person's requests go on at once; their others wait, and hold up nobody else."""

    def __init__(self) -> None:
        self._people: dict[Hashable, _Person] = {}

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a turn of ``owner`` and have it inside.

        Raises:
            RetriableError: ``request.too_many``, this person has too many requests open.

        """
        person = self._people.setdefault(owner, _Person())
        if person.calls >= _MOST_OF_ONE + _MOST_WAITING_OF_ONE:
            raise RetriableError(
                msg("You have too many requests open at the moment. Try again shortly."),
                delay_s=_BUSY_S,
                code="request.too_many",
            )
        person.calls += 1
        try:
            async with person.turns:
                yield
        finally:
            person.calls -= 1
            if not person.calls:
                self._people.pop(owner, None)


class FairThreads:
    """Runs calls in threads, in their person's turn; who waits for a turn takes no thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="person")
        self._turns = FairTurns()

    async def run(self, owner: Hashable, call: Callable[[], Result]) -> Result:
        """What ``call`` returns or raises.

        Raises:
            RetriableError: as ``FairTurns.turn``.

        """
        async with self._turns.turn(owner):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, partial(copy_context().run, call))


@lru_cache
def fair_threads() -> FairThreads:
    """Those of this process."""
    return FairThreads()


@lru_cache
def receiving() -> FairTurns:
    """Whose forms this process takes in, and holds on its disk until they are answered."""
    return FairTurns()


def takes_turns(endpoint: Callable[Args, Result]) -> Callable[Args, Awaitable[Result]]:
    """An endpoint with a parameter ``actor``, as one whose work runs in that person's turn."""

    @wraps(endpoint)
    async def in_turn(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        actor = kwargs["actor"]
        if not isinstance(actor, Actor):
            raise TypeError(f"{endpoint.__name__} has no actor")
        return await fair_threads().run(actor.id, partial(endpoint, *args, **kwargs))

    return in_turn
