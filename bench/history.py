"""How quick the history is at 100,000 runs on SQLite: milliseconds of every query."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from db.actor import Actor
from db.migrate import upgrade
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.session import Database
from db.states import JobState
from db.types import Role
from tests.factories import actor_of, fill_history, make_user

PAGE_BAR_MS = 50.0
_ROUNDS = 7


def main(runs: int = 100_000) -> None:
    """Fill a new database and print the figures; fails above the bar."""
    with tempfile.TemporaryDirectory() as folder:
        database, member, admin = _filled(f"sqlite:///{Path(folder) / 'studio.db'}", runs)
        slowest_ms = max(_print_timings(database, member), _print_timings(database, admin))
    _report(f"slowest page {slowest_ms:.1f} ms, bar {PAGE_BAR_MS:.0f} ms")
    if slowest_ms > PAGE_BAR_MS:
        raise SystemExit("The history is too slow.")


def _filled(url: str, runs: int) -> tuple[Database, Actor, Actor]:
    upgrade(url)
    database = Database(url)
    started = perf_counter()
    with database.write() as session:
        people = [make_user(session) for _ in range(20)]
        admin = make_user(session, role=Role.ADMIN)
        fill_history(session, people, runs)
    _report(f"{runs:,} runs written in {perf_counter() - started:.1f} s")
    return database, actor_of(people[3]), actor_of(admin)


def _print_timings(database: Database, actor: Actor) -> float:
    """Milliseconds of the slowest page."""
    slowest_ms = 0.0
    for name, filters in _filters(actor).items():
        page_ms = _median_ms(database, lambda jobs, f=filters: jobs.page(actor, f))
        count_ms = _median_ms(database, lambda jobs, f=filters: jobs.count(actor, f))
        _report(f"{actor.role:7} {name:28} page {page_ms:6.1f} ms   count {count_ms:6.1f} ms")
        slowest_ms = max(slowest_ms, page_ms)
    others: dict[str, Callable[[JobRepository], object]] = {
        "owners": lambda jobs: jobs.owners(actor),
        "timings": lambda jobs: jobs.timings("cutout", "isnet"),
    }
    for name, query in others.items():
        _report(f"{actor.role:7} {name:28}      {_median_ms(database, query):6.1f} ms")
    return slowest_ms


def _filters(actor: Actor) -> dict[str, JobFilters]:
    long_ago = datetime.now(UTC) - timedelta(days=300)
    return {
        "everything": JobFilters(),
        "mine": JobFilters(owner_id=actor.id),
        "tool": JobFilters(tool="upscale"),
        "failed": JobFilters(state=JobState.FAILED),
        "starred": JobFilters(starred=True),
        "trash": JobFilters(trashed=True),
        "old dates": JobFilters(since=long_ago, until=long_ago + timedelta(days=1)),
        "text found": JobFilters(text="golden retriever"),
        "text not found": JobFilters(text="zebra crossing"),
        "text found last": JobFilters(text="img_000001"),
        "mine, text not found": JobFilters(owner_id=actor.id, text="zebra"),
        "tool, state, text not found": JobFilters(
            tool="cutout", state=JobState.SUCCEEDED, text="zebra"
        ),
        "tool, starred, dates, text": JobFilters(
            tool="cutout", starred=True, until=long_ago, text="img 000 z"
        ),
    }


def _report(line: str) -> None:
    print(line, flush=True)  # noqa: T201 — a report for the terminal


def _median_ms(database: Database, query: Callable[[JobRepository], object]) -> float:
    times_ms = []
    for _ in range(_ROUNDS):
        started = perf_counter()
        with database.read() as session:
            query(JobRepository(session))
        times_ms.append((perf_counter() - started) * 1000)
    return median(times_ms)


if __name__ == "__main__":
    main()
