"""What is only read through REST is read a few at a time, so that pages keep their share."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST_AT_ONCE = 2
"""A page's thread shares the interpreter with each of these. They compute much and wait little."""


class FewAtOnce:
    """Middleware: requests that only read wait for each other, in turn and without a thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its turn has come."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        async with _Turn(self._turns) as turn:

            async def send_on(message: Message) -> None:
                turn.end()  # the answer is there, and who reads it may be slow
                await send(message)

            await self._app(scope, receive, send_on)


class _Turn:
    """A turn that ends once, at the latest with its context."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns = turns
        self._is_over = False

    async def __aenter__(self) -> _Turn:
        await self._turns.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._turns.release()
