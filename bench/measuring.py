"""What benches share: seconds of several ways to do a thing, and lines for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter


def interleaved(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each step, after one round that warms up."""
    seconds: dict[str, list[float]] = {step: [] for step in steps}
    for _ in range(rounds + 1):
        for step, run in steps.items():
            started_s = perf_counter()
            run()
            seconds[step].append(perf_counter() - started_s)
    return {step: median(times[1:]) for step, times in seconds.items()}


def tell(line: str) -> None:
    """One line for the terminal, at once."""
    print(line, flush=True)  # noqa: T201 — a report for the terminal
