"""Pulls and imports of model files as they go on: how far they are, what came of them."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.formatting import file_size
from app.ui import states
from app.ui.guard import acting, fragment
from app.ui.moments import when
from app.ui.signed_in import require_admin, visitor
from app.ui.words import _, said
from app.weights import management
from app.weights.background import WeightWork, WorkFolder, WorkState
from db.actor import Actor
from studio.words import N_, Message, msg
from tasks.services import Services

_WATCH_S = 1.5


def watch_work(services: Services) -> None:
    """Pulls and imports, as they are every moment; the list below follows when one ends."""

    @fragment(run_every=_WATCH_S, who=require_admin)
    def watch(_actor: Actor) -> None:
        found = WorkFolder(services.settings).all()
        for work in found:
            _show_work(services, work)
        over = {work.id for work in found if work.state.is_over}
        if st.session_state.setdefault("weights-over", over) != over:
            st.session_state["weights-over"] = over
            st.rerun()

    watch()


def _show_work(services: Services, work: WeightWork) -> None:
    with st.container(border=True, key=f"work-{work.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(_work_markup(work), width="stretch")
            if work.state.is_over:
                st.button(
                    _("Dismiss"),
                    key=f"dismiss-{work.id}",
                    type="tertiary",
                    on_click=acting(_dismiss, who=require_admin),
                    args=(services, work),
                )
            elif work.process_id is not None:
                st.button(
                    _("Stop"),
                    key=f"stop-{work.id}",
                    type="tertiary",
                    on_click=acting(_stop, who=require_admin),
                    args=(services, work),
                )
        if work.state is WorkState.RUNNING and work.total_bytes:
            st.progress(min(work.done_bytes / work.total_bytes, 1.0))


def _dismiss(actor: Actor, services: Services, work: WeightWork) -> None:
    management.dismiss(services, work, by=actor, visitor=visitor())


def _stop(actor: Actor, services: Services, work: WeightWork) -> None:
    management.stop(services, work, by=actor, visitor=visitor())


def _work_markup(work: WeightWork) -> str:
    name = work.model_id if work.kind == "pull" else work.file_name
    tone, words = {
        WorkState.WAITING: ("queued", N_("Starting")),
        WorkState.RUNNING: (
            "running",
            N_("Installing") if work.kind == "pull" else N_("Importing"),
        ),
        WorkState.DONE: ("succeeded", N_("Done")),
        WorkState.FAILED: ("failed", N_("Failed")),
    }[work.state]
    return (
        f'<div class="dr-summary"><span class="dr-pill dr-{tone}">{escape(said(words))}</span>'
        f"<b>{escape(name or '')}</b>"
        f'<span class="dr-muted dr-small">{when(work.started_at)}</span></div>'
        f'<p class="dr-reason">{states.sentence(_work_words(work))}</p>'
    )


def _work_words(work: WeightWork) -> Message:
    if work.state.is_over:
        return work.message
    if not work.step:
        return msg("Waiting for its turn: one thing at a time changes the weights folder.")
    if work.total_bytes:
        return msg(
            "{step}: {done} of {total}",
            step=work.step,
            done=file_size(work.done_bytes),
            total=file_size(work.total_bytes),
        )
    return msg("{step}…", step=work.step)
