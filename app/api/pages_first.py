"""Pages before scripts: what somebody looks at gets the interpreter first.

All threads of a process share one interpreter, and a page is many short pieces of work, each of
which waits for whatever the other threads do meanwhile. A script waits as willingly before its work
as in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Lock

_LONGEST_S = 0.1
"""How long a piece of a script's work waits for pages; however many there are, it goes on then."""


class PagesFirst:
    """Knows whether a page is being drawn, and has others wait for its end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drawn = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """A page is drawn inside, in any thread."""
        with self._lock:
            self._drawn += 1
        try:
            yield
        finally:
            self._end()

    async def let_pass(self) -> None:
        """Wait while pages are drawn, but not long."""
        with self._lock:
            if not self._drawn:
                return
            end = asyncio.get_running_loop().create_future()
            self._waiting.add(end)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(end, _LONGEST_S)
        finally:
            with self._lock:
                self._waiting.discard(end)

    def _end(self) -> None:
        with self._lock:
            self._drawn -= 1
            if self._drawn:
                return
            for end in self._waiting:
                end.get_loop().call_soon_threadsafe(_tell, end)
            self._waiting.clear()


def _tell(end: asyncio.Future[None]) -> None:
    if not end.done():  # who waited may have given up
        end.set_result(None)


@lru_cache
def pages_first() -> PagesFirst:
    """That of this process."""
    return PagesFirst()
