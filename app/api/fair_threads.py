"""Blocking work that people ask for, in threads of its own and in fair turns.

The server's shared threads look up sessions and answer pages: what waits for a file to be read, or
for storage, must not take them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from typing import ParamSpec, TypeVar

from app.api.pages_first import pages_first
from db.actor import Actor
from studio.errors import RetriableError
from studio.words import msg

Result = TypeVar("Result")
Args = ParamSpec("Args")

_BUSY_S = 5


class TooManyRequestsError(RetriableError):
    """One person, or one address, has too many requests open."""

    code = "request.too_many"

    def __init__(self) -> None:
        super().__init__(
            msg("You have too many requests open at the moment. Try again shortly."),
            delay_s=_BUSY_S,
        )


@dataclass(slots=True)
class _Person:
    turns: asyncio.Semaphore
    calls: int = 0


class FairTurns:
    """A few of each person's requests go on at once; their others wait, and hold up nobody else."""

    def __init__(self, *, most_of_one: int = 4, most_waiting_of_one: int = 100) -> None:
        self._most_of_one = most_of_one
        self._most_open_of_one = most_of_one + most_waiting_of_one
        self._people: dict[Hashable, _Person] = {}

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[bool]:
        """Wait for a turn of ``owner`` and have it inside; yields whether that took any waiting.

        Raises:
            TooManyRequestsError: this person has too many requests open.

        """
        person = self._people.setdefault(owner, _Person(asyncio.Semaphore(self._most_of_one)))
        if person.calls >= self._most_open_of_one:
            raise TooManyRequestsError
        person.calls += 1
        try:
            waits = person.turns.locked()
            async with person.turns:
                yield waits
        finally:
            person.calls -= 1
            if not person.calls:
                self._people.pop(owner, None)


class FairThreads:
    """Runs calls in threads, in their person's turn; who waits for a turn takes no thread."""

    def __init__(self, threads: int, turns: FairTurns) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="person")
        self._turns = turns

    async def run(self, owner: Hashable, call: Callable[[], Result]) -> Result:
        """What ``call`` returns or raises.

        Raises:
            TooManyRequestsError: as ``FairTurns.turn``.

        """
        async with self._turns.turn(owner):
            return await self._run(call)

    async def each(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Each of ``pieces`` as it is made in a thread; whose turn it is, the caller has seen to.

        Between them nothing holds a thread, however slow the reader is.
        """
        while (piece := await self._run(partial(next, pieces, None))) is not None:
            yield piece

    async def _run(self, call: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(copy_context().run, call))


@lru_cache
def fair_threads() -> FairThreads:
    """Those of this process."""
    return FairThreads(64, FairTurns())


@lru_cache
def password_threads() -> FairThreads:
    """Where passwords of strangers are looked at, in turns of where the requests come from.

    Each look takes 64 MiB and a core, so there are few at once, and of one address so few that
    those of others always find a thread.
    """
    return FairThreads(2, _password_turns())


@lru_cache
def known_password_threads() -> FairThreads:
    """As ``password_threads``, for browsers that are known, in turns of each person.

    However many strangers guess, and be it from the same address, they do not wait for those; nor
    for one person who has any number of browsers.
    """
    return FairThreads(1, _password_turns())


def _password_turns() -> FairTurns:
    return FairTurns(most_of_one=1, most_waiting_of_one=30)


@lru_cache
def receiving() -> FairTurns:
    """Whose forms this process takes in, and holds on its disk until they are answered."""
    return FairTurns()


@lru_cache
def sending() -> FairTurns:
    """To whom this process sends what they save, made or fetched from storage as they read it.

    Turns of their own: who saves large files over a slow line still sees pictures meanwhile.
    """
    return FairTurns()


@lru_cache
def showing() -> FairTurns:
    """As ``sending``, what their pages show."""
    return FairTurns()


def takes_turns(endpoint: Callable[Args, Result]) -> Callable[Args, Awaitable[Result]]:
    """An endpoint with a parameter ``actor``, as one that works in their turn, after pages."""

    @wraps(endpoint)
    async def in_turn(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        actor = kwargs["actor"]
        if not isinstance(actor, Actor):
            raise TypeError(f"{endpoint.__name__} has no actor")
        await pages_first().let_pass()
        return await fair_threads().run(actor.id, partial(endpoint, *args, **kwargs))

    return in_turn
