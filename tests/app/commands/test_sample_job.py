from __future__ import annotations

import pytest

from app.commands import up
from app.commands.sample_job import was_anything_run
from db.errors import DatabaseAwayError
from db.types import utc_now
from tasks.services import Services
from tests.factories import make_actor, make_job


def test_was_anything_run_counts_what_lies_in_the_trash(services: Services) -> None:
    assert not was_anything_run(services)
    with services.database.write() as session:
        make_job(session, make_actor(session), deleted_at=utc_now())
    assert was_anything_run(services)


def test_sample_that_finds_the_database_away_leaves_the_studio_running(
    services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_services: Services) -> bool:
        raise DatabaseAwayError

    monkeypatch.setattr(up, "was_anything_run", fail)
    up._show_sample(services, [], is_wanted=None)
    said = capsys.readouterr().err
    assert "The sample job failed: The database cannot be reached." in said
    assert said.endswith(" [database.away]\n")
