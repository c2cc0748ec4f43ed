from __future__ import annotations

from pathlib import Path

import pytest

from db.actor import Actor
from db.session import Database
from studio.settings import Settings
from studio.storage import open_store
from tasks.services import Services
from tests.factories import make_actor


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    """The embedded broker and storage; the test runs once on each kind of database."""
    settings = Settings(
        data_dir=tmp_path,
        weights_dir=tmp_path / "weights",
        database_url=database.url,
        heartbeat_s=0.05,
        lease_s=5,
        max_files_per_run=3,
    )
    blobs = open_store(settings.resolved_storage_url)
    blobs.prepare()
    return Services(settings, database, blobs)


@pytest.fixture
def actor(services: Services) -> Actor:
    with services.database.write() as session:
        return make_actor(session)
