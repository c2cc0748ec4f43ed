"""How quick the history is: milliseconds of every query.

At 100,000 runs on SQLite no page may take longer than ``PAGE_BAR_MS``; at a million runs on
PostgreSQL no search that finds nothing longer than ``NOTHING_BAR`` first pages.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.orm import Session

from bench.measuring import tell
from db.actor import Actor
from db.migrate import upgrade
from db.repositories.history import JobFilters
from db.repositories.jobs import JobRepository
from db.repositories.past_runs import PastRunRepository
from db.session import Database
from db.states import JobState
from db.types import Role
from tests.databases import postgres_url
from tests.factories import actor_of, fill_history, make_user

PAGE_BAR_MS = 50.0
NOTHING_BAR = 5.0
WRITTEN_RUNS = 100_000
"""Written one by one; more are these again, from earlier years."""
_ROUNDS = 7


def main() -> None:
    """Fill new databases and print the figures; fails above the bars."""
    with tempfile.TemporaryDirectory() as folder:
        database, people = _filled(f"sqlite:///{Path(folder) / 'studio.db'}")
        slowest_ms = max(max(_page_ms(database, person).values()) for person in people)
    tell(f"slowest page {slowest_ms:.1f} ms, bar {PAGE_BAR_MS:.0f} ms")
    ratio = _nothing_over_first_page(times=10)
    tell(f"search without a match {ratio:.1f} first pages, bar {NOTHING_BAR:.0f}")
    if slowest_ms > PAGE_BAR_MS or ratio > NOTHING_BAR:
        raise SystemExit("The history is too slow.")


def _nothing_over_first_page(times: int) -> float:
    """The slowest search that finds nothing, in first pages, on PostgreSQL."""
    with postgres_url() as url:
        database, people = _filled(url)
        _repeat_in_earlier_years(url, times - 1)
        pages = [_page_ms(database, person) for person in people]
        database.engine.dispose()
    return max(
        ms / page["everything"]
        for page in pages
        for name, ms in page.items()
        if "not found" in name
    )


def _repeat_in_earlier_years(url: str, times: int) -> None:
    """Copy every run ``times`` times, each a year older; the ids, which tell their age, too."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute("SELECT * FROM jobs LIMIT 0")
        names = [column.name for column in cursor.description or ()]
        earlier = {
            "id": "(lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint "
            "- n * 32000000000), 12, '0') || substr(replace(id::text, '-', ''), 13))::uuid",
            "queued_at": "queued_at - n * interval '370 days'",
        }
        columns = SQL(", ").join(map(Identifier, names))
        values = SQL(", ").join(
            SQL(earlier[name]) if name in earlier else Identifier(name) for name in names
        )
        copy = SQL("INSERT INTO jobs ({}) SELECT {} FROM jobs, generate_series(1, {}) AS n")
        connection.execute(copy.format(columns, values, times))
        connection.execute("VACUUM ANALYZE")


def _filled(url: str) -> tuple[Database, tuple[Actor, Actor]]:
    """A database with a year of runs; a member of twenty, and an admin."""
    upgrade(url)
    database = Database(url)
    started = perf_counter()
    with database.write() as session:
        people = [make_user(session) for _ in range(20)]
        admin = make_user(session, role=Role.ADMIN)
        fill_history(session, people, WRITTEN_RUNS)
    tell(f"{WRITTEN_RUNS:,} runs written in {perf_counter() - started:.1f} s")
    return database, (actor_of(people[3]), actor_of(admin))


def _page_ms(database: Database, actor: Actor) -> dict[str, float]:
    """Milliseconds of each kind of page, as printed."""
    pages: dict[str, float] = {}
    for name, filters in _filters(actor).items():
        page_ms = _median_ms(
            database, lambda session, f=filters: JobRepository(session).page(actor, f)
        )
        count_ms = _median_ms(
            database, lambda session, f=filters: JobRepository(session).count(actor, f)
        )
        tell(f"{actor.role:7} {name:28} page {page_ms:6.1f} ms   count {count_ms:6.1f} ms")
        pages[name] = page_ms
    others: dict[str, Callable[[Session], object]] = {
        "owners": lambda session: JobRepository(session).owners(actor),
        "timings": lambda session: PastRunRepository(session).timings("cutout", "isnet"),
    }
    for name, query in others.items():
        tell(f"{actor.role:7} {name:28}      {_median_ms(database, query):6.1f} ms")
    return pages


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


def _median_ms(database: Database, query: Callable[[Session], object]) -> float:
    times_ms = []
    for _ in range(_ROUNDS):
        started = perf_counter()
        with database.read() as session:
            query(session)
        times_ms.append((perf_counter() - started) * 1000)
    return median(times_ms)


if __name__ == "__main__":
    main()
