"""Who goes next where only so much may run at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from time import monotonic

from studio.errors import BusyError
from studio.words import msg

_LOOK_S = 0.1
_SMALL_PART = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    owner: Hashable
    memory_bytes: int


class Turns:
    """Lets work run side by side within a number and a memory, and no owner keeps others waiting.

    Whoever has least running goes first, then whoever came first. One owner has at most half of
    the places, so work of another always finds one; if it is small, it need not wait for the
    memory that one large file has taken either.
    """

    def __init__(self, most_at_once: int, memory_budget_bytes: int) -> None:
        """Args: how many may run at once, and how much memory they may take together.

        A quarter of that comes on top for each small one beside a large one of somebody else.
        """
        self._most_at_once = most_at_once
        self._most_of_one = max(most_at_once // 2, 1)
        self._budget_bytes = memory_budget_bytes
        self._small_bytes = memory_budget_bytes // _SMALL_PART
        self._changed = Condition()
        self._waiting: list[_Ticket] = []
        self._running: list[_Ticket] = []

    @contextmanager
    def take(
        self,
        owner: Hashable,
        memory_bytes: int,
        *,
        patience_s: float,
        check: Callable[[], object],
    ) -> Iterator[None]:
        """Wait for a turn and have it inside.

        Work larger than the budget runs when nothing else does.

        Args:
            owner: whose work it is; None is an owner like any other.
            memory_bytes: how much the work may take.
            patience_s: longest wait.
            check: called about ten times a second while waiting; what it raises ends the wait.

        Raises:
            BusyError: ``work.busy``, no turn came in ``patience_s``.

        """
        ticket = _Ticket(owner, memory_bytes)
        with self._changed:
            self._waiting.append(ticket)
        try:
            self._wait(ticket, patience_s, check)
            yield
        finally:
            with self._changed:
                (self._running if ticket in self._running else self._waiting).remove(ticket)
                self._changed.notify_all()

    def _wait(self, ticket: _Ticket, patience_s: float, check: Callable[[], object]) -> None:
        ends_s = monotonic() + patience_s
        while True:
            check()
            with self._changed:
                if self._next() is ticket:
                    self._waiting.remove(ticket)
                    self._running.append(ticket)
                    self._changed.notify_all()
                    return
                if monotonic() >= ends_s:
                    raise BusyError(
                        msg("The studio is reading many files at the moment. Try again shortly."),
                        delay_s=5,
                        code="work.busy",
                    )
                self._changed.wait(_LOOK_S)

    def _next(self) -> _Ticket | None:
        """Who may start now, if anybody."""
        owners = [ticket.owner for ticket in self._running]
        entitled = [
            ticket for ticket in self._waiting if owners.count(ticket.owner) < self._most_of_one
        ]
        if not entitled or len(self._running) >= self._most_at_once:
            return None
        entitled.sort(key=lambda ticket: owners.count(ticket.owner))
        taken = sum(ticket.memory_bytes for ticket in self._running)
        if not self._running or taken + entitled[0].memory_bytes <= self._budget_bytes:
            return entitled[0]
        newcomers = (ticket for ticket in entitled if ticket.owner not in owners)
        return next((one for one in newcomers if one.memory_bytes <= self._small_bytes), None)
