"""Who asks through REST, and a few at a time of what they read, so that pages keep their share."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.fair_threads import FairTurns
from app.api.pages_first import pages_first
from app.api.refusals import refuse
from db.actor import Actor
from db.errors import RecordError
from studio.errors import StudioError

_MOST_AT_ONCE = 2
"""A page's thread shares the interpreter with each of these. They compute much and wait little."""
_READS = ("GET", "HEAD")
Identify = Callable[[Request], Actor | None]


class FewAtOnce:
    """Middleware: finds out who asks, and has requests that only read wait in that person's turn.

    Endpoints find the person, or none, as ``request.state.asker``: of reads, who it is once their
    turn has come. Who waits holds no thread, and holds up nobody else, whatever number of tokens
    they use.
    """

    def __init__(self, app: ASGIApp, *, identify: Identify) -> None:
        self._app = app
        self._identify = identify
        reading = asyncio.Semaphore(_MOST_AT_ONCE)
        self._lookups = _FewTurns(FairTurns(), reading)
        self._reads = _FewTurns(FairTurns(most_of_one=_MOST_AT_ONCE), reading)
        # However long the reads before it take, a submit does not wait for them.
        self._lookups_of_changes = _FewTurns(FairTurns(), asyncio.Semaphore(_MOST_AT_ONCE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its turn has come, or refuse it when too many wait."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        async with AsyncExitStack() as turn:
            try:
                request.state.asker = asker = await self._asker(request)
                if asker is not None and request.method in _READS:
                    has_waited = await turn.enter_async_context(self._reads.turn(asker.id))
                    if has_waited:
                        # They may have been signed out, demoted or disabled meanwhile.
                        request.state.asker = await run_in_threadpool(self._identify, request)
            except (StudioError, RecordError) as error:
                await refuse(request, error)(scope, receive, send)
                return

            async def send_on(message: Message) -> None:
                await turn.aclose()  # the answer is there, and who reads it may be slow
                await send(message)

            await self._app(scope, receive, send_on)

    async def _asker(self, request: Request) -> Actor | None:
        """Looked up in the turn of what they show, as it is not known yet whose that is."""
        lookups = self._lookups if request.method in _READS else self._lookups_of_changes
        async with lookups.turn(_shown_by(request)):
            return await run_in_threadpool(self._identify, request)


class _FewTurns:
    """A few at once of everybody, after pages, and each owner's in their own turns."""

    def __init__(self, of_each: FairTurns, of_all: asyncio.Semaphore) -> None:
        self._of_each = of_each
        self._of_all = of_all

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[bool]:
        """As ``FairTurns.turn``."""
        async with self._of_each.turn(owner) as has_waited:
            waits = self._of_all.locked()
            async with self._of_all:
                await pages_first().let_pass()
                yield has_waited or waits


def _shown_by(request: Request) -> Hashable:
    """The token or cookies that came with the request, as a key that gives none of them away."""
    shown = request.headers.get("authorization") or request.headers.get("cookie", "")
    return hashlib.sha256(shown.encode()).digest()
