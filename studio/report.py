"""How a running tool speaks to whoever started it, and what it used on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, Protocol

from studio.errors import Region
from studio.record import WeightUse
from studio.words import Message

Stage = Literal["decode", "load", "run", "encode"]


class ProgressSink(Protocol):
    """Receives progress; raises ``JobCancelledError`` to stop the tool between two steps."""

    def __call__(self, fraction: float, stage: Stage) -> None:
        """``fraction`` of the whole job done, 0 to 1."""


def ignore_progress(fraction: float, stage: Stage) -> None:
    """A sink for callers that do not watch."""


class Report:
    """Collects seconds by stage, weights used and plain-word notes, and passes progress on.

    Loading happens lazily inside a run, so ``stage("load")`` may nest inside
    ``stage("run")``; the inner seconds are not counted twice.
    """

    def __init__(self, sink: ProgressSink = ignore_progress) -> None:
        self._sink = sink
        self._open: list[Stage] = []
        self._since_s = perf_counter()
        self._span = (0.0, 1.0)
        self._told = 0.0
        self.seconds: dict[str, float] = {}
        self.notes: list[Message] = []
        self.weights: list[WeightUse] = []
        self.regions: list[Region] = []

    def progress(self, fraction: float) -> None:
        """Tell how far the job, or the span of it, is, 0 to 1; a cancel point as ``check`` is.

        Raises:
            JobCancelledError: the owner asked to stop.

        """
        start, stop = self._span
        self._told = start + min(max(fraction, 0.0), 1.0) * (stop - start)
        self.check()

    def check(self) -> None:
        """Ask whether to go on, where nothing is known of how far the job is.

        Raises:
            JobCancelledError: the owner asked to stop.

        """
        self._sink(self._told, self._open[-1] if self._open else "run")

    @contextmanager
    def span(self, start: float, stop: float) -> Iterator[None]:
        """Progress told inside, 0 to 1, is that of the part ``start`` to ``stop`` of the whole."""
        outer_start, outer_stop = outer = self._span
        width = outer_stop - outer_start
        self._span = (outer_start + start * width, outer_start + stop * width)
        try:
            yield
        finally:
            self._span = outer

    def note(self, note: Message) -> None:
        """Record something the person should know, once."""
        if note not in self.notes:
            self.notes.append(note)

    def mark(self, region: Region) -> None:
        """Record where in the main picture something was found or changed."""
        self.regions.append(region)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Charge the time inside to ``name``."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def _charge(self) -> None:
        now_s = perf_counter()
        if self._open:
            name = self._open[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now_s - self._since_s
        self._since_s = now_s
