"""Live cards of waiting and running jobs: place, stage, bar, elapsed, remaining, Cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from uuid import UUID

import streamlit as st

from app.estimates import estimate_job
from app.runs import LiveRun, get_run, live
from app.ui.format import count, duration, estimate
from app.ui.states import state_pill
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from db.states import JobState
from tasks.services import Services
from tasks.status import live_workers
from tasks.submit import cancel

POLL_S = 0.5
SHOWN = 6
"""Cards at once; each asks for its place in the queue."""
STAGE_LABELS = {
    "decode": "Reading the picture",
    "load": "Loading the model",
    "run": "Working",
    "encode": "Saving the result",
}


def watch(
    services: Services, actor: Actor, read: Callable[[], Sequence[Job | JobRow]], *, key: str
) -> bool:
    """Show the unfinished among the runs that ``read`` gives, until all are finished.

    Polls while there is something to wait for, then reruns the page once. Returns whether
    anything is unfinished.
    """
    if not _unfinished(read()):
        return False

    @st.fragment(run_every=POLL_S)
    def cards() -> None:
        runs = read()
        waiting = _unfinished(runs)
        if not waiting:
            st.rerun()
        if len(runs) > 1:
            _summary(services, actor, runs, waiting)
        _warn_without_workers(services, waiting)
        shown = sorted(waiting, key=_running_first)[:SHOWN]
        for run in live(services, shown, _expected(services, actor, shown)):
            _card(services, actor, run, key)
        if len(waiting) > len(shown):
            st.caption(f"and {len(waiting) - len(shown)} more waiting")

    cards()
    return True


def _unfinished(runs: Sequence[Job | JobRow]) -> list[Job | JobRow]:
    return [run for run in runs if not run.state.is_terminal]


def _expected(
    services: Services, actor: Actor, runs: Sequence[Job | JobRow]
) -> dict[UUID, float | None]:
    """Estimated seconds of each running job, worked out once a job and browser tab."""
    known: dict[UUID, float | None] = st.session_state.setdefault("expected_s", {})
    for run in runs:
        if run.state is JobState.RUNNING and run.id not in known:
            job = get_run(services, actor, run.id)
            guess = estimate_job(services, job) if job else None
            known[run.id] = guess.seconds if guess else None
    return known


def _running_first(run: Job | JobRow) -> tuple[bool, UUID]:
    return run.state is not JobState.RUNNING, run.id


def _summary(
    services: Services,
    actor: Actor,
    runs: Sequence[Job | JobRow],
    waiting: Sequence[Job | JobRow],
) -> None:
    done = len(runs) - len(waiting)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / len(runs), text=f"{done} of {count(len(runs), 'picture')} finished")
        own = [run for run in waiting if _may_cancel(actor, run) and not run.cancel_requested]
        if own and st.button("Cancel all", icon=":material/close:", key="cancel-all"):
            for run in own:
                cancel(services, actor, run.id)
            st.rerun(scope="fragment")


def _may_cancel(actor: Actor, run: Job | JobRow | LiveRun) -> bool:
    return actor.is_admin or run.owner_id == actor.id


def _warn_without_workers(services: Services, waiting: Sequence[Job | JobRow]) -> None:
    if any(run.state is JobState.QUEUED for run in waiting) and not live_workers(services):
        st.warning(
            "No worker is running, so nothing starts for now. Your run is safe and starts with "
            "the first one. `studio doctor` says what to do.",
            icon=":material/engineering:",
        )


def _card(services: Services, actor: Actor, run: LiveRun, key: str) -> None:
    with st.container(border=True, key=f"live-{key}-{run.id.hex}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<div class="dr-live">{state_pill(run.state)}<b>{escape(run.title)}</b></div>')
            if _may_cancel(actor, run) and st.button(
                "Stopping…" if run.is_stopping else "Cancel",
                key=f"cancel-{key}-{run.id.hex}",
                disabled=run.is_stopping,
                icon=":material/close:",
            ):
                cancel(services, actor, run.id)
                st.rerun(scope="fragment")
        if run.state is JobState.RUNNING:
            st.progress(run.progress)
        st.html(f'<span class="dr-muted dr-small">{escape(_words(run))}</span>')


def _words(run: LiveRun) -> str:
    if run.state is JobState.QUEUED:
        place = "Next in the queue" if run.place == 1 else f"Number {run.place} in the queue"
        return f"{place if run.place else 'In the queue'} · waiting {duration(run.elapsed_s)}"
    if run.is_stopping:
        return f"Stops at the next step · {duration(run.elapsed_s)} so far"
    parts = [STAGE_LABELS.get(run.stage, "Starting"), f"{duration(run.elapsed_s)} so far"]
    if run.remaining_s is not None:
        parts.append(f"{estimate(run.remaining_s)} left")
    return " · ".join(parts)
