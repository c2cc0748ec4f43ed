from __future__ import annotations

import pytest

from studio.errors import JobCancelledError
from studio.report import Report, Stage


def test_check_asks_without_saying_that_anything_is_done() -> None:
    told: list[tuple[float, Stage]] = []
    report = Report(lambda fraction, stage: told.append((fraction, stage)))
    report.check()
    with report.span(0.2, 0.6), report.stage("load"):
        report.progress(0.5)
        report.check()
    report.check()
    assert told == [(0.0, "run"), (0.4, "load"), (0.4, "load"), (0.4, "run")]


def test_check_of_a_run_that_is_not_wanted_any_more_stops_it() -> None:
    def stop(_fraction: float, _stage: Stage) -> None:
        raise JobCancelledError

    with pytest.raises(JobCancelledError):
        Report(stop).check()
