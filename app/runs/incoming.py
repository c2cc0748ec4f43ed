"""Files that a browser has sent and its page has not taken yet: on disk, counted by person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import BinaryIO
from uuid import UUID

from studio.errors import StudioError, UserInputError
from studio.words import msg

MOST_PENDING_BYTES = 2_000_000_000
MOST_PENDING_FILES = 200
_KEPT_S = 3600.0


@dataclass(slots=True)
class _Arrival:
    owner: UUID
    size_bytes: int
    source: BinaryIO | UserInputError | None = None
    since_s: float = field(default_factory=monotonic)


class Incoming:
    """Arrivals by the id that the page knows them under. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._arrivals: dict[str, _Arrival] = {}

    @contextmanager
    def arriving(self, owner: UUID, file_id: str, size_bytes: int) -> Iterator[bool]:
        """Hold room for a file while it arrives; it is given back unless the file is kept.

        Gives whether there is room for its bytes, beside this person's other files.

        Raises:
            StudioError: ``upload.too_many_pending``, not even for its name.

        """
        with self._lock:
            self._forget_old()
            pending = [one for one in self._arrivals.values() if one.owner == owner]
            if len(pending) >= MOST_PENDING_FILES:
                raise StudioError(
                    msg("Too many files were sent at once. Drop fewer of them, then the rest."),
                    code="upload.too_many_pending",
                )
            taken_bytes = sum(one.size_bytes for one in pending)
            has_room = taken_bytes + size_bytes <= MOST_PENDING_BYTES
            self._arrivals[file_id] = arrival = _Arrival(owner, size_bytes if has_room else 0)
        try:
            yield has_room
        finally:
            with self._lock:
                if arrival.source is None:
                    self._arrivals.pop(file_id, None)

    def keep(self, file_id: str, source: BinaryIO | UserInputError) -> None:
        """The file is here, or it is known why it will not be taken."""
        with self._lock:
            arrival = self._arrivals[file_id]
            arrival.source = source
            if isinstance(source, UserInputError):
                arrival.size_bytes = 0

    def take(self, file_id: str) -> BinaryIO | UserInputError | None:
        """What arrived under this id, once; None when nothing did. The caller closes it."""
        with self._lock:
            arrival = self._arrivals.pop(file_id, None)
        return arrival.source if arrival else None

    def drop(self, file_id: str) -> None:
        """The file is not wanted any more."""
        source = self.take(file_id)
        if source is not None and not isinstance(source, UserInputError):
            source.close()

    def _forget_old(self) -> None:
        """Of pages that were left."""
        now_s = monotonic()
        for file_id, arrival in list(self._arrivals.items()):
            if arrival.source is not None and now_s - arrival.since_s > _KEPT_S:
                del self._arrivals[file_id]
                if not isinstance(arrival.source, UserInputError):
                    arrival.source.close()


@lru_cache
def incoming() -> Incoming:
    """Those of this process."""
    return Incoming()
