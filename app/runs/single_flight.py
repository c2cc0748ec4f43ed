"""Making a thing once, however many ask for it at the same time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class _Flight:
    lock: Lock = field(default_factory=Lock)
    askers: int = 0


class SingleFlight:
    """One lock a key: who makes one thing never waits for who makes another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[Hashable, _Flight] = {}

    @contextmanager
    def alone_with(self, key: Hashable) -> Iterator[None]:
        """Nobody else is inside with the same ``key``."""
        with self._lock:
            flight = self._flights.setdefault(key, _Flight())
            flight.askers += 1
        try:
            with flight.lock:
                yield
        finally:
            with self._lock:
                flight.askers -= 1
                if not flight.askers:
                    del self._flights[key]
