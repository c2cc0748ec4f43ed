from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import embedded, production, run_chaos
from tests.databases import skip_without_postgres

JOBS = 60


@pytest.mark.timeout(400)
def test_chaos_files_and_sqlite_every_job_succeeds_once(tmp_path: Path) -> None:
    with embedded(tmp_path) as (settings, broker):
        report = run_chaos(settings, broker, jobs=JOBS, seed=1, timeout_s=300)
    assert report.is_sound(JOBS), report
    assert report.kills["tree"] > 0
    assert report.attempts > JOBS, report  # some of the killed were running a job


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(400)
def test_chaos_redis_and_postgresql_every_job_succeeds_once(tmp_path: Path) -> None:
    skip_without_postgres()
    with production(tmp_path) as (settings, broker):
        report = run_chaos(settings, broker, jobs=JOBS, seed=2, timeout_s=300)
    assert report.is_sound(JOBS), report
    assert report.kills["tree"] > 0
    assert report.kills["broker"] > 0
    assert report.attempts > JOBS, report
