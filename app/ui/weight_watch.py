"""Pulls and imports of model files as they go on: how far they are, what came of them."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.ui import states
from app.ui.format import ago, file_size
from app.weight_work import WeightWork, WorkFolder, WorkState
from tasks.services import Services

_WATCH_S = 1.5


def watch_work(services: Services) -> None:
    """Pulls and imports, as they are every moment; the list below follows when one ends."""

    @st.fragment(run_every=_WATCH_S)
    def watch() -> None:
        folder = WorkFolder(services.settings)
        found = folder.all()
        for work in found:
            _show_work(folder, work)
        over = {work.id for work in found if work.state.is_over}
        if st.session_state.setdefault("weights-over", over) != over:
            st.session_state["weights-over"] = over
            st.rerun()

    watch()


def _show_work(folder: WorkFolder, work: WeightWork) -> None:
    with st.container(border=True, key=f"work-{work.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(_work_markup(work), width="stretch")
            if work.state.is_over:
                if st.button("Dismiss", key=f"dismiss-{work.id}", type="tertiary"):
                    folder.dismiss(work)
                    st.rerun()
            elif work.process_id is not None and st.button(
                "Stop", key=f"stop-{work.id}", type="tertiary"
            ):
                folder.stop(work)
        if work.state is WorkState.RUNNING and work.total_bytes:
            st.progress(min(work.done_bytes / work.total_bytes, 1.0))


def _work_markup(work: WeightWork) -> str:
    name = work.model_id if work.kind == "pull" else work.file_name
    tone, words = {
        WorkState.WAITING: ("queued", "Starting"),
        WorkState.RUNNING: ("running", "Pulling" if work.kind == "pull" else "Importing"),
        WorkState.DONE: ("succeeded", "Done"),
        WorkState.FAILED: ("failed", "Failed"),
    }[work.state]
    return (
        f'<div class="dr-summary"><span class="dr-pill dr-{tone}">{words}</span>'
        f"<b>{escape(name or '')}</b>"
        f'<span class="dr-muted dr-small">{ago(work.started_at)}</span></div>'
        f'<p class="dr-reason">{states.sentence(_work_words(work))}</p>'
    )


def _work_words(work: WeightWork) -> str:
    if work.state.is_over:
        return work.message
    if not work.step:
        return "Waiting for its turn: one thing at a time changes the weights folder."
    if work.total_bytes:
        return f"{work.step}: {file_size(work.done_bytes)} of {file_size(work.total_bytes)}"
    return f"{work.step}…"
