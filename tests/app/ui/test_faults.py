from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.harness import button


def _page() -> None:
    from uuid import UUID

    import streamlit as st

    from app.ui.faults import say_left
    from app.ui.guard import acting, fragment
    from db.actor import Actor
    from db.errors import DatabaseAwayError
    from db.types import Role

    def somebody() -> Actor:
        return Actor(UUID(int=1), "mei", Role.MEMBER)

    def lose_the_database(_actor: Actor) -> None:
        raise DatabaseAwayError

    @fragment(who=somebody)
    def break_down(_actor: Actor) -> None:
        raise ValueError("secret detail")

    say_left()
    st.button("Keep", on_click=acting(lose_the_database, who=somebody))
    break_down()
    st.markdown("what is below")


def test_fault_of_a_fragment_is_said_with_its_number_and_the_page_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = AppTest.from_function(_page).run()
    assert not page.exception
    assert [each.value for each in page.markdown] == ["what is below"]
    [shown] = page.error
    assert "secret detail" not in shown.value
    assert shown.value.split("number ")[1].split(",")[0] in caplog.text
    assert "break_down failed" in caplog.text


def test_fault_that_comes_again_keeps_its_number_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = AppTest.from_function(_page).run()
    first = page.error[0].value
    page.run()
    assert page.error[0].value == first
    assert caplog.text.count("break_down failed") == 1


def _page_with_two_faults() -> None:
    from app.ui.faults import saying_faults

    def fail_in_one_line() -> None:
        raise ValueError

    for _time in range(2):
        with saying_faults("part"):
            fail_in_one_line()
    with saying_faults("part"):
        fail_in_one_line()


def test_faults_that_end_in_the_same_line_have_numbers_of_their_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = AppTest.from_function(_page_with_two_faults).run()
    first, again, other = (each.value for each in page.error)
    assert first == again != other
    assert caplog.text.count("part failed") == 2


def _page_that_is_asked_for_again() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from app.ui.faults import saying_faults

    def fail() -> None:
        context = get_script_run_ctx()
        assert context is not None
        assert context.script_requests is not None
        with saying_faults("part"):
            context.script_requests.request_rerun(RerunData())
            raise ValueError

    st.button("Fail", on_click=fail)


def test_fault_of_a_run_that_the_next_breaks_off_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    button(AppTest.from_function(_page_that_is_asked_for_again).run(), "Fail").click().run()
    assert "part failed" in caplog.text


def test_refusal_of_a_callback_is_said_in_a_sentence() -> None:
    page = button(AppTest.from_function(_page).run(), "Keep").click().run()
    assert not page.exception
    assert "The database cannot be reached." in page.error[0].value
