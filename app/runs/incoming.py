"""Files that a browser has sent, until their page is done with them: on disk, counted by person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import BinaryIO
from uuid import UUID

from studio.errors import StudioError
from studio.words import msg

MOST_PENDING_BYTES = 2_000_000_000
MOST_PENDING_FILES = 200
MOST_REFUSED_FILES = 800
"""Beside those: of each the page is still to say why it was not taken."""
_KEPT_S = 3600.0
_TAKEN_S = 60.0
"""After its last file is here, a page has taken a drop by then."""


@dataclass(slots=True, eq=False)
class Arrival:
    """A file on its way, or here.

    Attributes:
        owner: who sends it.
        tab_id: of Streamlit's session that runs the page it is sent to.
        begun_s: when it began to arrive, by ``monotonic``.
        size_bytes: what it counts for, as far as there is room for it: the most that it may
            become while it arrives, then what it has.
        has_room: whether there is, beside the other files of this person.
        source: the file once it is here, or why it will not be taken.
        is_wanted: whether the page has not let go of it meanwhile.
        since_s: when it was here, by ``monotonic``.
        is_taken: whether its page has the file now, and closes it.

    """

    owner: UUID
    tab_id: str
    begun_s: float
    size_bytes: int
    has_room: bool
    source: BinaryIO | StudioError | None = None
    is_wanted: bool = True
    since_s: float = 0.0
    is_taken: bool = False

    @property
    def counts(self) -> bool:
        """Whether it takes room: a file that is, or may still be, on the disk."""
        return self.has_room and not isinstance(self.source, StudioError)


class Incoming:
    """Arrivals by the id that the page knows them under. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._arrivals: dict[str, Arrival] = {}

    @contextmanager
    def arriving(
        self, owner: UUID, file_id: str, size_bytes: int, *, tab_id: str
    ) -> Iterator[Arrival]:
        """Hold room for a file while it arrives; it is given back unless the file is kept.

        Raises:
            StudioError: ``upload.too_many_pending``, there is no room even for a refusal;
                ``upload.already_sent``, browsers choose the id, and this one is taken.

        """
        with self._lock:
            self._forget_old()
            if file_id in self._arrivals:
                raise StudioError(
                    msg("This file was sent already. Reload the page and drop it again."),
                    code="upload.already_sent",
                )
            pending = [one for one in self._arrivals.values() if one.owner == owner]
            if len(pending) >= MOST_PENDING_FILES + MOST_REFUSED_FILES:
                raise StudioError(
                    msg("Too many files were sent at once. Drop fewer of them, then the rest."),
                    code="upload.too_many_pending",
                )
            taken = [one.size_bytes for one in pending if one.counts]
            has_room = (
                len(taken) < MOST_PENDING_FILES and sum(taken) + size_bytes <= MOST_PENDING_BYTES
            )
            arrival = Arrival(
                owner, tab_id, monotonic(), size_bytes if has_room else 0, has_room=has_room
            )
            self._arrivals[file_id] = arrival
        try:
            yield arrival
        finally:
            with self._lock:
                if arrival.source is None:
                    del self._arrivals[file_id]

    def keep(self, arrival: Arrival, source: BinaryIO | StudioError, size_bytes: int) -> bool:
        """The file of so many bytes is here, or it is known why it will not be taken.

        Returns whether it waits for its page now; one that is not wanted any more is closed.
        """
        with self._lock:
            if arrival.is_wanted:
                arrival.source, arrival.since_s = source, monotonic()
                arrival.size_bytes = 0 if isinstance(source, StudioError) else size_bytes
                return True
        _close(source)
        return False

    def awaits(self, tab_id: str, *, since_s: float) -> bool:
        """Whether a page may be told of a file that it does not know of yet.

        ``tab_id`` is of the session that runs it. What began to arrive before ``since_s``, by
        ``monotonic``, was sent to a page that was left.
        """
        with self._lock:
            return any(
                one.source is None or monotonic() - one.since_s <= _TAKEN_S
                for one in self._arrivals.values()
                if one.tab_id == tab_id and one.begun_s >= since_s
                if one.is_wanted and not one.is_taken
            )

    def take(self, file_id: str) -> BinaryIO | StudioError | None:
        """What arrived under this id, once; None when nothing has.

        The caller closes it: until then it lies on the disk, and counts.
        """
        with self._lock:
            arrival = self._arrivals.get(file_id)
            if arrival is None or arrival.source is None or arrival.is_taken:
                return None
            arrival.is_taken = True
            if isinstance(arrival.source, StudioError):
                del self._arrivals[file_id]
            return arrival.source

    def drop(self, owner: UUID, file_id: str) -> None:
        """The owner wants the file no more, even if it still arrives; one that was taken stays."""
        with self._lock:
            arrival = self._arrivals.get(file_id)
            if arrival is None or arrival.owner != owner or arrival.is_taken:
                return
            arrival.is_wanted = False
            if arrival.source is None:
                return
            del self._arrivals[file_id]
        _close(arrival.source)

    def forget_old(self) -> None:
        """Close what the pages that were left have not taken for an hour.

        A page takes the files of a drop together: while more come from its tab, all are left.
        """
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        now_s = monotonic()
        self._forget_closed()
        waiting = {file_id: one for file_id, one in self._arrivals.items() if not one.is_taken}
        last_s: dict[str, float] = {}
        for one in waiting.values():
            arrived_s = now_s if one.source is None else one.since_s
            last_s[one.tab_id] = max(arrived_s, last_s.get(one.tab_id, arrived_s))
        for file_id, one in waiting.items():
            is_left = now_s - one.since_s > _KEPT_S and now_s - last_s[one.tab_id] > _TAKEN_S
            if one.source is not None and is_left:
                del self._arrivals[file_id]
                _close(one.source)

    def _forget_closed(self) -> None:
        for file_id, one in list(self._arrivals.items()):
            if one.is_taken and _is_closed(one.source):
                del self._arrivals[file_id]


def _close(source: BinaryIO | StudioError) -> None:
    if not isinstance(source, StudioError):
        source.close()


def _is_closed(source: BinaryIO | StudioError | None) -> bool:
    return not isinstance(source, StudioError | None) and source.closed


@lru_cache
def incoming() -> Incoming:
    """Those of this process."""
    return Incoming()
