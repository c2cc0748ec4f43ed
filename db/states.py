"""The life of a job. This module alone says which transitions exist.

::

    queued ──claim──► running ──finish──► succeeded
      │                │  ├────fail─────► failed
      │                │  └────stop─────► cancelled
      │                ├─lease expired, attempts left──► queued
      │                ├─lease expired, attempts spent─► failed
      │                └─lease expired, cancel asked───► cancelled
      └────cancel─────────────────────────────────────► cancelled

Every arrow is one conditional UPDATE that names the state, and for a running job the
attempt, that it leaves. No row moved means that somebody else won.
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

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
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


def require_transition(source: JobState, target: JobState) -> None:
    """Raise ``ValueError`` when ``source`` to ``target`` is not in the table."""
    if target not in TRANSITIONS[source]:
        raise ValueError(f"a {source} job cannot become {target}")
