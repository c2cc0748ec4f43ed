from __future__ import annotations

import asyncio

import pytest
import streamlit as st
from streamlit.navigation.page import Page
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.testing.v1 import AppTest

from app.api.pages_first import pages_first
from app.people import accounts
from app.ui import faults
from app.ui.guard import acting
from db.actor import Actor
from db.errors import DatabaseAwayError, InvalidCursorError
from studio.errors import StudioError, UserInputError
from studio.params import INTERPOLATION, UpscaleParams
from studio.words import msg
from tasks.services import Services
from tasks.submit import cancel, store_upload, submit
from tests.pages.harness import Visit, button, database_away
from tests.people import make_person
from tests.pictures import png
from tests.requests import request


def test_entry_stranger_sees_no_page_and_no_navigation(visit: Visit) -> None:
    page = visit("app/ui/entry.py")
    assert not page.exception
    assert not page.title
    assert "Sign in" in page.info[0].value


def test_entry_one_time_password_opens_no_page(services: Services, visit: Visit) -> None:
    page = visit("app/ui/entry.py", make_person(services, must_change_password=True))
    assert not page.title


def test_entry_opens_the_first_tool(services: Services, visit: Visit) -> None:
    page = visit("app/ui/entry.py", make_person(services))
    assert not page.exception
    assert page.title[0].value == "Cutout"


def test_entry_session_ended_elsewhere_ends_the_next_run(services: Services, visit: Visit) -> None:
    mei = make_person(services)
    page = visit("app/ui/entry.py", mei)
    accounts.disable(services, mei.id)
    page.run()
    assert not page.title
    assert "Sign in" in page.info[0].value


def test_entry_page_stays_while_the_database_is_away_and_goes_on_by_itself(
    services: Services, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit("app/ui/entry.py", make_person(services))
    with database_away(monkeypatch, tries=2):
        page.run()
    assert page.title[0].value == "Cutout"
    assert not page.error
    assert ["The database cannot be reached." in each.value for each in page.toast] == [True]


def test_entry_says_that_the_database_is_away_where_no_page_is_shown_yet(
    services: Services, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = make_person(services)
    with database_away(monkeypatch, tries=1):
        page = visit("app/ui/entry.py", mei)
    assert not page.title
    assert "The database cannot be reached." in page.error[0].value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            UserInputError(msg("It is empty"), remedy=msg("Save it again"), file_name="a.png"),
            "a.png: It is",
        ),
        (StudioError(msg("The disk is full.")), "The disk is full."),
        (DatabaseAwayError(), "The database cannot be reached."),
        (InvalidCursorError(), "This page address is damaged."),
        (ValueError("secret detail"), "tell an admin the number"),
    ],
)
def test_entry_page_that_fails_says_so_in_a_sentence(
    services: Services,
    visit: Visit,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    said: str,
) -> None:
    def fail(_page: Page) -> None:
        raise error

    monkeypatch.setattr(Page, "run", fail)
    page = visit("app/ui/entry.py", make_person(services))

    assert not page.exception
    [shown] = page.error
    assert said in shown.value
    assert "secret detail" not in shown.value
    if isinstance(error, ValueError):
        assert shown.value.split("number ")[1].split(",")[0] in caplog.text
    caplog.clear()


def test_entry_leads_back_to_the_own_batches_that_go_on(services: Services, visit: Visit) -> None:
    mei, ann = make_person(services), make_person(services, "ann")
    for owner in (mei, ann):
        files = [store_upload(services, f"{n}.png", png(n)) for n in range(2)]
        params = UpscaleParams(model=INTERPOLATION)
        ids = submit(services, owner, request(params, *({"image": file} for file in files)))
    cancel(services, ann, ids[0])
    page = visit("app/ui/entry.py", ann)
    assert [link.proto.label for link in page.get("page_link")] == ["Upscale: 1 run to go"]
    cancel(services, ann, ids[1])
    assert not page.run().get("page_link")


def test_entry_scripts_let_the_page_pass_while_it_is_drawn(
    services: Services, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[bool] = []

    def show(_page: Page) -> None:
        waited.append(_has_to_wait())

    monkeypatch.setattr(Page, "run", show)
    visit("app/ui/entry.py", make_person(services))
    assert (waited, _has_to_wait()) == ([True], False)


def _has_to_wait() -> bool:
    """Whether a script that asks now lets a page pass first."""

    async def ask() -> bool:
        asked = asyncio.create_task(pages_first().let_pass())
        await asyncio.sleep(0)
        is_waiting = not asked.done()
        await asked
        return is_waiting

    return asyncio.run(ask())


def test_entry_run_at_the_heels_of_a_part_begins_on_the_page_itself(
    services: Services, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[Page] = []

    def show(page: Page) -> None:
        st.title("The page")
        runs.append(page)
        context = get_script_run_ctx()
        if len(runs) > 1 or context is None or context.script_requests is None:
            return
        # What a part that ran by itself leaves, and a click after the last look for one.
        st.container(key="inner").__enter__()
        monkeypatch.setattr(context.script_requests, "on_scriptrunner_yield", lambda: None)
        context.script_requests.request_rerun(RerunData())

    monkeypatch.setattr(Page, "run", show)
    page = visit("app/ui/entry.py", make_person(services))

    assert len(runs) == 2
    assert titles(page) == [1]  # below what is left to be said


def titles(page: AppTest) -> list[int]:
    """At which places titles stand among what is drawn on the page itself."""
    return [place for place, one in page.main.children.items() if one.type == "title"]


@pytest.mark.parametrize("is_alone", [False, True], ids=["whole page", "part alone"])
def test_entry_refusals_of_callbacks_are_all_said_above_a_page_that_stays_in_its_place(
    services: Services, visit: Visit, monkeypatch: pytest.MonkeyPatch, is_alone: bool
) -> None:
    def refuse(_actor: Actor, what: str) -> None:
        raise StudioError(msg("{what} is not kept.", what=what))

    def show(_page: Page) -> None:
        st.title("The page")
        st.text_input("Note", on_change=acting(refuse), args=("The note",))
        st.button("Star", on_click=acting(refuse), args=("The star",))

    monkeypatch.setattr(Page, "run", show)
    page = visit("app/ui/entry.py", make_person(services))
    before = titles(page)
    monkeypatch.setattr(faults, "is_part_alone", lambda: is_alone)
    page.text_input[0].set_value("x")
    button(page, "Star").click().run()
    assert {each.value for each in page.error} == {"The note is not kept.", "The star is not kept."}
    assert titles(page) == before
    page.run()
    assert not page.error
    assert titles(page) == before
