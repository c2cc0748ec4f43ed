from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from app.ui import away
from db.actor import Actor
from db.errors import DatabaseAwayError
from db.types import Role
from tests.pages.harness import button

answers: Iterator[bool] = iter(())
"""Whether the database answers, of the next few times; then it does."""


def somebody() -> Actor:
    if next(answers, True):
        return Actor(UUID(int=1), "mei", Role.MEMBER)
    raise DatabaseAwayError


def will_answer(patch: pytest.MonkeyPatch, *each: bool) -> None:
    patch.setattr(f"{__name__}.answers", iter(each))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "RETRY_S", 0)


def _page() -> None:
    import streamlit as st

    from app.ui.guard import acting, fragment
    from tests.app.ui.test_away import somebody

    @fragment(who=somebody)
    def part(_actor: object) -> None:
        st.text_input("Told", key="told")

    def keep(_actor: object) -> None:
        st.session_state["kept"] = True

    st.button("Keep", on_click=acting(keep, who=somebody))
    part()


def test_fragment_waits_for_the_database_and_keeps_what_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = AppTest.from_function(_page).run()
    will_answer(monkeypatch, False, False)
    page.text_input(key="told").set_value("a stroke").run()
    assert page.text_input(key="told").value == "a stroke"
    assert not page.error
    [said] = page.toast
    assert "The database cannot be reached." in said.value


def test_callback_says_that_the_database_is_away_beside_the_page_and_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = AppTest.from_function(_page).run()
    will_answer(monkeypatch, False)
    button(page, "Keep").click().run()
    assert "kept" not in page.session_state
    assert not page.error
    assert len(page.toast) == 1


def test_fragment_of_a_page_that_shows_nothing_yet_says_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    will_answer(monkeypatch, False)
    page = AppTest.from_function(_page).run()
    assert not page.text_input
    assert "The database cannot be reached." in page.error[0].value
