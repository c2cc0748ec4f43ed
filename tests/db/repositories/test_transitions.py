from __future__ import annotations

import pytest

from db.repositories.transitions import transit
from db.session import Database
from db.states import JobState


def test_transit_outside_the_table_raises_whether_or_not_a_job_would_move(
    database: Database,
) -> None:
    with (
        database.write() as session,
        pytest.raises(ValueError, match="succeeded"),
    ):
        transit(session, (), JobState.SUCCEEDED, JobState.RUNNING, {})
