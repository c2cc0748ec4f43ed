"""What tests of pages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from app.people.sessions import SignedIn
from app.ui import away, signed_in
from db.actor import Actor
from db.errors import DatabaseAwayError
from db.models import Job
from tasks.services import Services
from tests.factories import load_job


class Visit(Protocol):
    """Runs a page as somebody; without an actor, as a stranger."""

    def __call__(self, script: str, actor: Actor | None = None) -> AppTest: ...


def jobs_of(services: Services, tool: str | None = None) -> list[Job]:
    """All runs, or those of one tool, the oldest first."""
    with services.database.read() as session:
        ids = [job.id for job in session.query(Job).order_by(Job.id) if tool in {None, job.tool}]
    return [load_job(services.database, job_id) for job_id in ids]


def button(page: AppTest, label: str) -> Button:
    """The one button with this label."""
    [found] = [each for each in page.button if each.label == label]
    return found


def model_links(page: AppTest) -> list[str]:
    """The filters of all links to the page Models."""
    return [
        each.proto.query_string
        for each in page.get("page_link")
        if each.proto.label == "Open the page Models"
    ]


@contextmanager
def database_away(patch: pytest.MonkeyPatch, *, tries: int) -> Iterator[None]:
    """The database answers again after so many tries to find out who looks at a page."""
    look_up, left = signed_in.find_session, iter(range(tries))

    def find_session(services: Services, token: str) -> SignedIn | None:
        if next(left, None) is None:
            return look_up(services, token)
        raise DatabaseAwayError

    with patch.context() as meanwhile:
        meanwhile.setattr(away, "RETRY_S", 0)
        meanwhile.setattr(signed_in, "find_session", find_session)
        yield
