"""Live cards of waiting and running jobs: place, stage, bar, elapsed, remaining, Cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from uuid import UUID

import streamlit as st

from app.formatting import duration, estimate
from app.runs.estimates import estimate_job
from app.runs.queueing import is_in_vain, wait_at
from app.runs.reading import LiveRun, count_steps, get_run, live
from app.ui.asked import asked
from app.ui.guard import acting, fragment
from app.ui.literal import literal_sentence
from app.ui.signed_in import may_change
from app.ui.states import STATE_LABELS, state_pill
from app.ui.words import _, _n, said
from db.actor import Actor
from db.models import Job
from db.repositories.history import JobRow
from db.states import JobState
from studio.errors import StudioError
from studio.words import N_, Message
from tasks import batches
from tasks.services import Services
from tasks.submit import cancel

POLL_S = 0.5
SHOWN = 6
"""Unfinished runs with a card at once; each asks for its place in the queue."""
STAGE_LABELS = {
    "decode": N_("Reading the picture"),
    "load": N_("Loading the model"),
    "run": N_("Working"),
    "encode": N_("Saving the result"),
}
STARTING = N_("Starting")


def watch(
    services: Services,
    actor: Actor,
    read: Callable[[Actor], Sequence[Job | JobRow]],
    *,
    key: str,
    drawn: Sequence[Job | JobRow] = (),
    batch_id: UUID | None = None,
) -> bool:
    """Show the unfinished among the runs that ``read`` gives to a person, until all are finished.

    Those of a batch, ``batch_id``, are paused and resumed together. ``drawn`` are those that the
    page has read before: where they have ended since, it is drawn anew.

    Polls while there is something to wait for, then reruns the page once. Returns whether
    anything is unfinished. Meanwhile no card moves: one that has ended stays in its place
    without its Cancel, and the next comes below.
    """
    if not _unfinished(read(actor)):
        if _unfinished(drawn):
            st.rerun()
        return False
    places: list[UUID] = []

    @fragment(run_every=POLL_S)
    def cards(actor: Actor) -> None:
        runs = read(actor)
        waiting = _unfinished(runs)
        if not waiting:
            st.rerun()
        if len(runs) > 1:
            _summary(services, actor, runs, waiting, batch_id)
        _warn_without_workers(services, waiting)
        take_places(places, [run.id for run in sorted(waiting, key=_running_first)])
        found = {run.id: run for run in runs}
        shown = [found[run_id] for run_id in places if run_id in found]
        for run in live(services, shown, _expected(services, actor, shown)):
            _card(services, actor, run, key)
        unseen = sum(run.id not in places for run in waiting)
        if unseen:
            st.caption(_n("and {n} more waiting", "and {n} more waiting", unseen))

    cards()
    return True


def take_places(places: list[UUID], waiting: Sequence[UUID]) -> None:
    """Append to ``places`` until ``SHOWN`` of the ``waiting`` are in it; none moves or goes."""
    free = SHOWN - sum(run_id in places for run_id in waiting)
    places += [run_id for run_id in waiting if run_id not in places][: max(free, 0)]


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
    batch_id: UUID | None,
) -> None:
    done, total = len(runs) - len(waiting), len(runs)
    words = _n(
        "{done} of {n} picture finished", "{done} of {n} pictures finished", total, done=done
    )
    with st.container(horizontal=True, vertical_alignment="center", key="batch-bar"):
        st.progress(done / total, text=words)
        if batch_id and may_change(actor, runs[0]):
            _offer_pause(services, actor, batch_id)
        own = [run for run in waiting if may_change(actor, run) and not run.cancel_requested]
        if own:
            st.button(
                _("Cancel all"),
                icon=":material/close:",
                key="cancel-all",
                on_click=acting(_cancel),
                args=(services, [run.id for run in own]),
            )


def _offer_pause(services: Services, actor: Actor, batch_id: UUID) -> None:
    """Let what has not started wait, or go on."""
    is_paused = batches.is_paused(services, batch_id)
    asked(
        _("Resume") if is_paused else _("Pause"),
        lambda: _move(services, actor, batch_id, is_paused=is_paused),
        icon=":material/play_arrow:" if is_paused else ":material/pause:",
        help=_("What runs already is finished; the rest waits until you resume."),
        # Else a second click would undo the first.
        key=f"{'resume' if is_paused else 'pause'}-{batch_id.hex}",
    )


def _move(services: Services, actor: Actor, batch_id: UUID, *, is_paused: bool) -> bool:
    move = batches.resume if is_paused else batches.pause
    try:
        move(services, actor, batch_id)
    except StudioError as error:
        st.error(literal_sentence(error))
        return False
    return True


def _cancel(actor: Actor, services: Services, job_ids: Sequence[UUID]) -> None:
    for job_id in job_ids:
        cancel(services, actor, job_id)


def _warn_without_workers(services: Services, waiting: Sequence[Job | JobRow]) -> None:
    lanes = {run.lane for run in waiting if run.state is JobState.QUEUED}
    if is_in_vain(services, lanes):
        st.warning(
            _(
                "No worker is running that takes what waits here, so it does not start for now. "
                "Your run is safe and starts with the first such worker. `studio doctor` says what "
                "to do."
            ),
            icon=":material/engineering:",
        )


def _starts_in(services: Services, run: LiveRun) -> float | None:
    """Seconds until a queued run may start, worked out anew when its place changes."""
    if run.place is None:
        return None
    known: dict[UUID, tuple[int, float | None]] = st.session_state.setdefault("starts_in_s", {})
    if run.id not in known or known[run.id][0] != run.place:
        known[run.id] = run.place, wait_at(services, run.id, run.place)
    return known[run.id][1]


def _card(services: Services, actor: Actor, run: LiveRun, key: str) -> None:
    with st.container(border=True, key=f"live-{key}-{run.id.hex}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<div class="dr-live">{state_pill(run.state)}<b>{escape(run.title)}</b></div>')
            if may_change(actor, run):
                st.button(
                    _("Stopping…") if run.is_stopping else _("Cancel"),
                    key=f"cancel-{key}-{run.id.hex}",
                    disabled=run.is_stopping or run.state.is_terminal,
                    icon=":material/close:",
                    on_click=acting(_cancel),
                    args=(services, [run.id]),
                )
        st.progress(min(run.progress, 1.0))  # always, so that a card keeps its height
        words = " · ".join(_words(run, _starts_in(services, run)))
        st.html(f'<span class="dr-muted dr-small">{escape(words)}</span>')


def _words(run: LiveRun, starts_in_s: float | None) -> Sequence[str]:
    """What is known of the run, in parts."""
    passed = duration(run.elapsed_s)
    if run.state.is_terminal:
        return [_("{ended} after {time}", ended=Message(STATE_LABELS[run.state]), time=passed)]
    if run.rests_s is not None:
        return [
            *([said(run.reason)] if run.reason else []),
            _("tries again in {time}", time=duration(run.rests_s)),
        ]
    if run.state is JobState.WAITING:
        return _waiting_words(run, passed)
    if run.state is JobState.QUEUED:
        return [_place(run), *_start(starts_in_s), _("waiting {time}", time=passed)]
    if run.is_stopping:
        return [_("Stops at the next step"), _("{time} so far", time=passed)]
    parts = [said(STAGE_LABELS.get(run.stage, STARTING)), _("{time} so far", time=passed)]
    if run.is_overdue:
        parts.append(_("longer than usual"))
    if run.remaining_s is not None:
        parts.append(_("{time} left", time=estimate(run.remaining_s)))
    return parts


def _place(run: LiveRun) -> str:
    if run.place is None:
        return _("In the queue")
    if run.place == 1:
        return _("Next in the queue")
    return _("Number {place} in the queue", place=run.place)


def _start(starts_in_s: float | None) -> Sequence[str]:
    """When a queued run may start, where that is known and worth saying."""
    if starts_in_s is None or starts_in_s < 1:
        return []
    return [_("starts in {time}", time=estimate(starts_in_s))]


def _waiting_words(run: LiveRun, passed: Message) -> Sequence[str]:
    if not run.needs:
        return [_("Paused with its batch")]
    words = _("Starts when what it needs is made")
    if run.steps:
        done, total = count_steps(run.state, run.steps)
        words = _n("{done} of {n} step done", "{done} of {n} steps done", total, done=done)
    return [words, _("waiting {time}", time=passed)]
