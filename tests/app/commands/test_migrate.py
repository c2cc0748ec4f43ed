from __future__ import annotations

from pathlib import Path

import pytest

from db.migrate import current, head
from tasks.services import get_services
from tests.app.commands.outcome import Studio


def test_migrate_twice_brings_the_database_up_and_then_says_it_is(
    studio: Studio,
) -> None:
    first, second = studio("migrate"), studio("migrate")

    assert (first.code, second.code) == (0, 0)
    assert current(get_services().database.url) == head()
    assert f"from nothing to revision {head()}" in first.out
    assert f"up to date, at revision {head()}" in second.out


def test_migrate_without_storage_makes_the_admin_and_says_what_is_missing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("STUDIO_STORAGE_URL", f"file://{blocked}/blobs")

    outcome = studio("migrate", "--first-admin")

    assert outcome.code == 1
    assert "one-time password" in outcome.out
    assert "Storage cannot be reached" in outcome.err
