from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest


def _page(is_unbroken: bool) -> None:
    from contextlib import nullcontext

    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from app.ui.unbroken import unbroken

    def deed() -> None:
        context = get_script_run_ctx()
        with unbroken() if is_unbroken else nullcontext():
            context.script_requests.request_rerun(RerunData())
            st.session_state["half"] = True
            st.session_state["whole"] = True

    st.button("Do it", on_click=deed)


def after_a_click(*, is_unbroken: bool) -> Any:
    page = AppTest.from_function(_page, kwargs={"is_unbroken": is_unbroken}).run()
    page.button[0].click().run()
    assert not page.exception
    return page.session_state


def test_deed_is_done_whole_though_another_run_is_asked_for() -> None:
    assert after_a_click(is_unbroken=True)["whole"]


def test_deed_left_to_streamlit_is_broken_off() -> None:
    state = after_a_click(is_unbroken=False)
    assert "half" not in state, "then nothing has to be kept from breaking deeds off any more"
