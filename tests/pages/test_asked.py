"""Clicks that others come at the heels of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tasks.services import Services
from tests.pages.harness import Visit, button
from tests.people import make_person

_FRAME = """
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from app.ui.asked import asked, once
from app.ui.guard import fragment
from app.ui.layout import go_to, show_address
from app.ui.passing import PAGE, drawing

context, deeds = get_script_run_ctx(), st.session_state.setdefault("deeds", [])

def tell_again(part=None, **changes):
    \"\"\"As a browser that tells of the same click once more, or of what is set by now.\"\"\"
    context = get_script_run_ctx()  # that of callbacks is not the one of the run that drew them
    told = context.session_state.get_widget_states()
    for one in told:
        if one.HasField("double_array_value"):
            one.double_array_value.data[:] = [changes.get("option", 0)]
        if one.HasField("trigger_value"):
            one.trigger_value = not changes
    told = WidgetStates(widgets=told)
    context.script_requests.request_rerun(RerunData(widget_states=told, fragment_id=part))

with drawing(PAGE):
    option = st.slider("Option", 0, 9)
    is_shown = not st.checkbox("Hide")
    is_enabled = not st.checkbox("Wait")
"""
_BROKEN_OFF = """
    if st.session_state.get("go"):
        tell_again(option=5)
    asked("Go", lambda: deeds.append(option) or True, key="go")
"""
_DOUBLED = """
    def deed():
        if not deeds:
            tell_again()
        deeds.append(option)
        return True
    asked("Go", deed, key="go")
"""
_SUBMITTED = """
    if st.session_state.get("go"):
        tell_again(option=5)
    with st.form("form"):
        name = st.text_input("Name")
        asked("Go", lambda: deeds.append(name) or True, key="go", submits=True)
"""
_REFUSED = """
    def deed():
        deeds.append(option)
        st.error("No.")
        return False
    asked("Go", deed, key="go")
"""
_PLAIN = """
    if is_shown:
        asked("Go", lambda: deeds.append(option) or True, key="go", is_enabled=is_enabled)
"""
_ONCE = """
    def deed(actor):
        if not deeds:
            tell_again()
        deeds.append(option)
    st.button("Go", key="go", on_click=once("go", deed))
"""
_ONCE_IN_A_PART = """
    @fragment()
    def part(actor):
        me = ThreadState.get().fragment_id
        def deed(actor):
            if not deeds:
                tell_again(me)
            deeds.append(option)
        st.button("Go", key="go", on_click=once("go", deed))
    part()
"""
_ADDRESS = """
    show_address("here")
    st.query_params["picture"] = "a"
    ask = context.script_requests.request_rerun
    def ask_and_click(data):
        context.script_requests.request_rerun = ask
        return ask(data) and ask(RerunData(query_string=""))
    def deed():
        go_to("here", job="1")
        context.script_requests.request_rerun = ask_and_click
        return True
    asked("Go", deed, key="go")
"""
_FORGOTTEN = """
    show_address("here")
    def deed():
        st.session_state.clear()  # as where somebody else signs in meanwhile
        go_to("here", job="1")
        return True
    asked("Go", deed, key="go")
"""

Open = Callable[[str], AppTest]


@pytest.fixture
def opened(services: Services, visit: Visit, tmp_path: Path) -> Open:
    """Opens a page with the frame above and this in it."""
    mei = make_person(services)

    def open_page(body: str) -> AppTest:
        script = tmp_path / "page.py"
        script.write_text(_FRAME + body, encoding="utf-8")
        page = visit(str(script), mei)
        assert not page.exception
        return page

    return open_page


def deeds_of(page: AppTest) -> Any:
    assert not page.exception
    return page.session_state["deeds"]


def test_asked_click_that_is_broken_off_is_done_with_what_is_set_by_then(opened: Open) -> None:
    page = button(opened(_BROKEN_OFF), "Go").click().run()
    assert deeds_of(page) == [5]
    assert deeds_of(page.run()) == [5]


def test_asked_form_that_is_broken_off_is_done_with_what_was_submitted(opened: Open) -> None:
    page = opened(_SUBMITTED)
    page.text_input[0].input("Mei")
    assert deeds_of(button(page, "Go").click().run()) == ["Mei"]


@pytest.mark.parametrize(
    "body",
    [_DOUBLED, _ONCE, _ONCE_IN_A_PART],
    ids=["asked", "once", "once in a part"],
)
def test_deed_two_clicks_on_one_drawing_do_it_once(opened: Open, body: str) -> None:
    page = button(opened(body), "Go").click().run()
    assert deeds_of(page) == [0]
    button(page, "Go").click().run()
    assert deeds_of(page) == [0, 0], "a click on a later drawing is another one"


def test_asked_what_stops_the_deed_is_said_once(opened: Open) -> None:
    page = button(opened(_REFUSED), "Go").click().run()
    assert [error.value for error in page.error] == ["No."]
    assert not page.run().error
    assert deeds_of(page) == [0]


@pytest.mark.parametrize("label", ["Hide", "Wait"])
def test_asked_click_whose_button_went_meanwhile_lapses(opened: Open, label: str) -> None:
    page = opened(_PLAIN)
    [box] = [each for each in page.checkbox if each.label == label]
    button(page, "Go").click()
    box.check().run()
    assert deeds_of(page) == []
    [box] = [each for each in page.checkbox if each.label == label]
    assert deeds_of(box.uncheck().run()) == []


def test_go_to_click_with_the_address_of_before_does_not_lead_back(opened: Open) -> None:
    page = opened(_ADDRESS)
    page.query_params.clear()  # the browser has not heard yet what the page has put there
    button(page, "Go").click().run()
    assert not page.exception
    assert page.query_params == {"job": "1", "picture": "a"}
    page.query_params.clear()
    assert page.run().query_params == {"picture": "a"}, "whoever goes back is led on no more"


def test_go_to_in_a_tab_that_was_emptied_amid_the_deed_leads_on(opened: Open) -> None:
    page = button(opened(_FORGOTTEN), "Go").click().run()
    assert not page.exception
    assert page.query_params == {"job": "1"}
