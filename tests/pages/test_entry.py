from __future__ import annotations

from app import accounts
from tasks.services import Services
from tests.pages.harness import Visit
from tests.people import make_person


def test_entry_stranger_sees_no_page_and_no_navigation(visit: Visit) -> None:
    page = visit("app/entry.py")
    assert not page.exception
    assert not page.title
    assert "Sign in" in page.info[0].value


def test_entry_one_time_password_opens_no_page(services: Services, visit: Visit) -> None:
    page = visit("app/entry.py", make_person(services, must_change_password=True))
    assert not page.title


def test_entry_opens_the_first_tool(services: Services, visit: Visit) -> None:
    page = visit("app/entry.py", make_person(services))
    assert not page.exception
    assert page.title[0].value == "Cutout"


def test_entry_session_ended_elsewhere_ends_the_next_run(services: Services, visit: Visit) -> None:
    mei = make_person(services)
    page = visit("app/entry.py", mei)
    accounts.disable(services, mei.id)
    page.run()
    assert not page.title
    assert "Sign in" in page.info[0].value
