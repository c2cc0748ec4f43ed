"""The life of a job. This module alone says which transitions exist.

::

    waiting ◄──needs not done, batch paused──┐
      │ └──needs done, batch resumed──────► queued ──claim──► running ──finish──► succeeded
      │                                      │                 │  ├────fail─────► failed
      │                                      │                 │  └────stop─────► cancelled
      │                                      ◄─given back──────┤
      │                                      │                 ├─lost, attempts spent─► failed
      │                                      │                 └─lost, cancel asked───► cancelled
      └────cancel, a need failed─────────────┴────cancel──────────────────────────────► cancelled

A job is given back when its lease expired with attempts left, or after a passing fault.

Every arrow is one conditional UPDATE that names the state, and for a running job the
attempt, that it leaves. No row moved means that somebody else won.
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.WAITING}),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


UNFINISHED = tuple(state for state in JobState if not state.is_terminal)
ENDED = tuple(state for state in JobState if state.is_terminal)


def require_transition(source: JobState, target: JobState) -> None:
    """Raise ``ValueError`` when ``source`` to ``target`` is not in the table."""
    if target not in TRANSITIONS[source]:
        raise ValueError(f"a {source} job cannot become {target}")
