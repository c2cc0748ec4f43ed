from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kills import run_kills
from tests.chaos.outages import Outage, run_outages
from tests.chaos.studio import CHILDREN, LEASE_S, Setup, embedded, production, rabbitmq

pytestmark = pytest.mark.slow

KILL_JOBS = 36
OUTAGE_JOBS = 2 * CHILDREN
"""So that a backlog stands."""
LONGER_THAN_A_LEASE_S = LEASE_S + 1
SHORT_S = 3.0
"""Storage away ends no lease; what found it away is back after a rest of 5 s."""


def suffer(setup: Setup, *parts: str) -> None:
    """Every outage of ``parts``, one after the other, each under a backlog of its own."""
    outages = [
        Outage(
            part, is_silent, SHORT_S if part == "storage" else LONGER_THAN_A_LEASE_S, OUTAGE_JOBS
        )
        for part in parts
        for is_silent in setup.ways(part)
    ]
    report = run_outages(setup, outages, trees=1)
    assert report.is_sound, report
    assert report.restarted_workers == 0, report  # nobody went deaf


@pytest.mark.timeout(400)
def test_kills_files_and_sqlite_every_job_succeeds_once(tmp_path: Path) -> None:
    with embedded(tmp_path) as setup:
        report = run_kills(setup, jobs=KILL_JOBS, seed=1, patience_s=120)
    assert report.is_sound(KILL_JOBS), report
    assert report.kills["tree"] > 0
    assert report.outcome.attempts > KILL_JOBS, report  # some of the killed were running a job


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(400)
def test_kills_redis_and_postgresql_every_job_succeeds_once(tmp_path: Path) -> None:
    with production(tmp_path) as setup:
        report = run_kills(setup, jobs=KILL_JOBS, seed=2, patience_s=120)
    assert report.is_sound(KILL_JOBS), report
    assert report.kills["tree"] > 0
    assert report.kills["broker"] > 0
    assert report.outcome.attempts > KILL_JOBS, report


def test_outages_files_and_sqlite_every_job_succeeds_and_no_attempt_is_spent(
    tmp_path: Path,
) -> None:
    with embedded(tmp_path) as setup:
        suffer(setup, "database", "broker", "storage")


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(400)
def test_outages_redis_and_postgresql_every_job_succeeds_and_no_attempt_is_spent(
    tmp_path: Path,
) -> None:
    with production(tmp_path) as setup:
        suffer(setup, "database", "broker", "storage")


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_outages_of_rabbitmq_every_job_succeeds_and_no_attempt_is_spent(tmp_path: Path) -> None:
    with rabbitmq(tmp_path) as setup:
        suffer(setup, "broker")
