from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def _page(touch: str, comes: str, is_unbroken: bool) -> None:
    from contextlib import nullcontext

    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from app.ui.unbroken import unbroken

    done = st.session_state.setdefault("done", [])
    touches = {
        "state": lambda: st.session_state.__setitem__("touched", True),
        "words": lambda: st.write("touched"),
        "address": lambda: st.query_params.__setitem__("touched", "yes"),
    }

    def deed() -> None:
        requests = get_script_run_ctx().script_requests
        with unbroken() if is_unbroken else nullcontext():
            if comes == "a click":
                requests.request_rerun(RerunData())
            else:
                requests.request_stop()
            done.append("half")
            touches[touch]()
            done.append("whole")

    st.button("Do it", on_click=deed)


def done_after_a_click(touch: str, comes: str, *, is_unbroken: bool) -> list[str]:
    given = {"touch": touch, "comes": comes, "is_unbroken": is_unbroken}
    page = AppTest.from_function(_page, kwargs=given).run()
    page.button[0].click().run()
    assert not page.exception
    done: list[str] = page.session_state["done"]
    return done


@pytest.mark.parametrize("comes", ["a click", "the tab's end"])
@pytest.mark.parametrize("touch", ["state", "words", "address"])
def test_deed_is_done_whole_whatever_comes(touch: str, comes: str) -> None:
    assert done_after_a_click(touch, comes, is_unbroken=True) == ["half", "whole"]


@pytest.mark.parametrize("touch", ["state", "words", "address"])
def test_deed_left_to_streamlit_is_broken_off(touch: str) -> None:
    done = done_after_a_click(touch, "a click", is_unbroken=False)
    assert done == ["half"], "then nothing has to be kept from breaking deeds off any more"


def _page_with_an_end() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from app.ui.unbroken import end_run, unbroken

    runs = st.session_state.setdefault("runs", [])
    runs.append("begun")
    if len(runs) == 1:
        with unbroken():
            get_script_run_ctx().script_requests.request_rerun(RerunData())
            end_run()
    runs.append("over")


def test_end_run_ends_what_is_unbroken_and_keeps_the_next_run() -> None:
    page = AppTest.from_function(_page_with_an_end).run()
    assert page.session_state["runs"] == ["begun", "begun", "over"]
