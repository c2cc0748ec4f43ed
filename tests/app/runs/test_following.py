from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.runs.following import count_news, read_again
from db.actor import Actor
from db.models import Job
from db.repositories.history import Count, JobFilters
from db.repositories.jobs import JobRepository
from db.repositories.keeping import KeepingRepository
from db.states import JobState
from db.types import Visibility, utc_now
from tasks.services import Services
from tests.factories import make_actor, make_job
from tests.people import make_person


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


def test_rows_read_again_keep_their_order_and_lose_what_is_hidden_by_now(
    services: Services, mei: Actor
) -> None:
    with services.database.write() as session:
        other = make_actor(session)
        for name in ("a.png", "b.png", "c.png"):
            make_job(session, other, file_name=name, state=JobState.RUNNING)
        rows = JobRepository(session).page(mei).rows
    with services.database.write() as session:
        jobs = KeepingRepository(session)
        jobs.set_visibility(other, rows[1].id, Visibility.PRIVATE)
        jobs.set_starred(other, rows[2].id, True)
    found = read_again(services, mei, rows)
    assert [row.title for row in found] == ["c.png", "a.png"]
    assert found[1].starred


def test_news_are_runs_that_came_and_runs_that_match_by_now(services: Services, mei: Actor) -> None:
    done = JobFilters(state=JobState.SUCCEEDED)
    with services.database.write() as session:
        going = make_job(session, mei, state=JobState.RUNNING)
        make_job(session, mei, state=JobState.SUCCEEDED)
        page = JobRepository(session).page(mei, done, 30)
    opened_at = utc_now()
    assert count_news(services, mei, done, page, opened_at) == Count(0, is_exact=True)
    with services.database.write() as session:
        ended = {"state": JobState.SUCCEEDED, "worker": None, "lease_expires_at": None}
        session.execute(update(Job).where(Job.id == going.id).values(ended))
        make_job(session, mei, state=JobState.SUCCEEDED)
        make_job(session, mei, state=JobState.FAILED)
    assert count_news(services, mei, done, page, opened_at) == Count(2, is_exact=True)


def test_news_are_looked_for_neither_below_the_first_page_nor_among_old_runs(
    services: Services, mei: Actor
) -> None:
    with services.database.write() as session:
        for _ in range(3):
            make_job(session, mei)
        jobs = JobRepository(session)
        first = jobs.page(mei, limit=1)
        second = jobs.page(mei, limit=1, cursor=first.next_cursor)
        nothing = jobs.page(mei, JobFilters(text="nowhere"))
    opened_at = utc_now()
    for page in (first, second):
        assert count_news(services, mei, JobFilters(), page, opened_at).value == 0
    assert count_news(services, mei, JobFilters(), nothing, opened_at).value == 3
    later = opened_at + timedelta(days=2)
    assert count_news(services, mei, JobFilters(), nothing, later).value == 0
