"""Pages before scripts: what somebody looks at gets the interpreter first.

All threads of a process share one interpreter, and a page is many short pieces of work, each of
which waits for whatever the other threads do meanwhile. A script waits as willingly before its work
as in it. A page that checks files, or waits for a database, takes long and computes little: it has
had its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Lock
from time import monotonic

_LONGEST_S = 0.1
"""How long a piece of a script's work waits for pages; however many there are, it goes on then."""
_DRAWN_WITHIN_S = 0.3
"""In which a page is there, unless it waits for something."""


class PagesFirst:
    """Knows whether a page is being drawn, and has others wait for its end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._begun_s: list[float] = []
        """When each of the pages began that are being drawn."""
        self._waiting: set[asyncio.Future[None]] = set()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """A page is drawn inside, in any thread."""
        begun_s = monotonic()
        with self._lock:
            self._begun_s.append(begun_s)
        try:
            yield
        finally:
            self._end(begun_s)

    async def let_pass(self) -> None:
        """Wait while pages are drawn, but not long."""
        with self._lock:
            if not self._is_drawing():
                return
            end = asyncio.get_running_loop().create_future()
            self._waiting.add(end)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(end, _LONGEST_S)
        finally:
            with self._lock:
                self._waiting.discard(end)

    def _is_drawing(self) -> bool:
        return any(monotonic() - begun_s < _DRAWN_WITHIN_S for begun_s in self._begun_s)

    def _end(self, begun_s: float) -> None:
        with self._lock:
            self._begun_s.remove(begun_s)
            if self._is_drawing():
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
