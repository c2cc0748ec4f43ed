"""Lists while runs come and end, in a real browser; there are no workers to wait for."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from db.models import Job
from db.states import JobState
from studio.words import msg
from tests.browser.conftest import OpenPage, Studio
from tests.browser.steps import SignIn, find_actor, steady_box
from tests.factories import make_job

pytestmark = pytest.mark.browser


def end(studio: Studio, job_id: UUID) -> None:
    """Have a run fail, as its worker would."""
    reason = {"error_code": "input", "error_message": msg("It is empty. Save it again.")}
    ended = {"state": JobState.FAILED, "worker": None, "lease_expires_at": None, **reason}
    with studio.services.database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(ended))


def test_history_shows_what_becomes_of_runs_and_offers_new_ones_without_a_reload(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    owner = find_actor(studio.services, name)
    with studio.services.database.write() as session:
        going = make_job(session, owner, state=JobState.RUNNING).id
    page = open_page()
    sign_in(page, name)
    page.goto("/history")
    card = page.locator(f".st-key-card-history-{going.hex}")
    expect(card.get_by_text("Running")).to_be_visible()
    expect(card.get_by_role("link")).to_be_visible()
    before = steady_box(card)

    end(studio, going)
    with studio.services.database.write() as session:
        make_job(session, owner, file_name="new.png")
    expect(card.get_by_text("Failed")).to_be_visible()
    offer = page.get_by_role("button", name="Show 1 new run")
    expect(offer).to_be_visible()
    expect(page.get_by_text("new.png")).to_have_count(0)
    assert steady_box(card) == before

    offer.click()
    expect(page.get_by_role("link", name="new.png")).to_be_visible()
    expect(card.get_by_text("It is empty. Save it again.")).to_be_visible()
    expect(offer).to_have_count(0)


def test_history_without_runs_shows_the_first_as_it_comes(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    page = open_page()
    sign_in(page, name)
    page.goto("/history?text=first")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    with studio.services.database.write() as session:
        make_job(session, find_actor(studio.services, name), file_name="first.png")
    expect(page.get_by_role("link", name="first.png")).to_be_visible()


def test_tool_page_shows_what_becomes_of_its_recent_runs_without_a_reload(
    studio: Studio, open_page: OpenPage, sign_in: SignIn
) -> None:
    name = studio.add_user()
    owner = find_actor(studio.services, name)
    with studio.services.database.write() as session:
        going = make_job(session, owner, tool="upscale", state=JobState.RUNNING).id
        make_job(session, owner, tool="upscale", state=JobState.FAILED)
    page = open_page()
    sign_in(page, name)
    page.goto("/upscale")
    card = page.locator(f".st-key-card-recent-{going.hex}")
    expect(card.get_by_text("Running")).to_be_visible()
    end(studio, going)
    expect(card.get_by_text("Failed")).to_be_visible()
    expect(card.get_by_text("It is empty. Save it again.")).to_be_visible()
