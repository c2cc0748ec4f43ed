from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page(is_outermost: bool) -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from app.ui.outermost import begin_outermost

    context = get_script_run_ctx()
    requests = context.script_requests
    runs = st.session_state.setdefault("runs", [])
    runs.append("the page")
    if is_outermost:
        begin_outermost()
    st.title("The page")
    with st.container(key="inner"):

        @st.fragment
        def part() -> None:
            st.write("A part of it")
            if context.fragment_ids_this_run:
                runs.append("the part")
                # The whole page is asked for after the last look for what is asked for.
                requests.on_scriptrunner_yield = lambda: None
                requests.request_rerun(RerunData())

        part()
    if len(runs) == 1:
        [part_id] = context.shared.new_fragment_ids.snapshot()
        requests.request_rerun(RerunData(fragment_id=part_id))


def outermost_titles(*, is_outermost: bool) -> list[str]:
    page = AppTest.from_function(_page, kwargs={"is_outermost": is_outermost}).run()
    assert not page.exception
    assert page.session_state["runs"] == ["the page", "the part", "the page"]
    return [one.value for one in page.main.children.values() if one.type == "title"]


def test_page_run_at_the_heels_of_a_part_is_drawn_on_the_page_itself() -> None:
    assert outermost_titles(is_outermost=True) == ["The page"]


def test_page_left_to_streamlit_is_drawn_into_what_the_part_stands_in() -> None:
    assert not outermost_titles(is_outermost=False), "then nothing has to begin outermost any more"


def _page_of_a_callback() -> None:
    import streamlit as st

    from app.ui.guard import acting

    st.container(key="inner").__enter__()  # where a part that ran by itself ended
    acting(lambda _actor: st.error("No"), who=lambda: None)()


def test_callback_at_the_heels_of_a_part_speaks_on_the_page_itself() -> None:
    page = AppTest.from_function(_page_of_a_callback).run()
    assert not page.exception
    assert "error" in [one.type for one in page.main.children.values()]
