"""A list of runs that somebody looks at: what became of them, and what else there is by now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.runs.reading import listed
from db.actor import Actor
from db.repositories.history import Count, JobFilters, JobPage, JobRow
from db.repositories.jobs import JobRepository
from db.types import first_id_at
from tasks.services import Services

FOLLOW_S = 2
"""How often a page that is open looks."""
_LOOKBACK = timedelta(days=1)
"""Runs that were submitted longer before a list was opened are not looked for while it is open."""
_MOST = 30


def read_again(services: Services, actor: Actor, rows: Sequence[JobRow]) -> list[JobRow]:
    """The runs of ``rows`` as they are now, in the same order; without those gone from sight."""
    with services.database.read() as session:
        found = JobRepository(session).rows(actor, [row.id for row in rows])
    now = {row.id: row for row in found}
    return [now[row.id] for row in rows if row.id in now]


def has_open(rows: Sequence[JobRow]) -> bool:
    """Whether any of the runs may still change by itself."""
    return any(not row.state.is_terminal for row in rows)


def count_news(
    services: Services, actor: Actor, filters: JobFilters, page: JobPage, opened_at: datetime
) -> Count:
    """How many runs the list would show besides, were it opened anew; none below its first page.

    Those that were submitted meanwhile, and those of late that match only by now.
    """
    if page.previous_cursor:
        return Count(0, is_exact=True)
    start = first_id_at(opened_at - _LOOKBACK)
    if page.next_cursor:
        start = max(start, page.rows[-1].id)
    known = [row.id for row in page.rows]
    with services.database.read() as session:
        found = JobRepository(session).others(
            actor, listed(filters), known, newer_than=start, limit=_MOST + 1
        )
    return Count(min(len(found), _MOST), is_exact=len(found) <= _MOST)
