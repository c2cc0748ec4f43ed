"""State machines that Hypothesis leads through sequences of calls."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from db.session import Database


def explore(
    machine: Callable[[Database], RuleBasedStateMachine], database: Database, examples: int
) -> None:
    """Try so many sequences of thirty steps."""
    run_state_machine_as_test(
        lambda: machine(database),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
