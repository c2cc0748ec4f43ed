from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.people import passwords
from app.web.application import create_middleware, create_routes
from app.web.refusals import exception_handlers
from db.session import Database
from studio.settings import Settings
from studio.storage import open_store
from tasks.services import Services

OpenBrowser = Callable[[], TestClient]


@pytest.fixture
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash at the least cost; what it costs is tested with the passwords."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", hasher)


@pytest.fixture
def services(sqlite_database: Database, tmp_path: Path, quick_hashing: None) -> Services:
    """A studio on SQLite."""
    return services_on(sqlite_database, tmp_path)


@pytest.fixture
def any_services(database: Database, tmp_path: Path, quick_hashing: None) -> Services:
    """A studio on each kind of database."""
    return services_on(database, tmp_path)


def services_on(database: Database, folder: Path) -> Services:
    settings = Settings(
        data_dir=folder,
        weights_dir=folder / "weights",
        database_url=database.url,
        max_files_per_run=3,
        _env_file=None,
    )
    blobs = open_store(settings.resolved_storage_url)
    blobs.prepare()
    return Services(settings, database, blobs)


@pytest.fixture
def open_browser(services: Services) -> OpenBrowser:
    """A browser with cookies of its own, on every route but Streamlit's pages."""
    app = Starlette(
        routes=create_routes(services),
        middleware=create_middleware(services),
        exception_handlers=exception_handlers(),
    )

    def open_one() -> TestClient:
        headers = {"Origin": "http://studio.test", "User-Agent": "Firefox/140 (Windows)"}
        return TestClient(
            app, base_url="http://studio.test", headers=headers, follow_redirects=False
        )

    return open_one


@pytest.fixture
def browser(open_browser: OpenBrowser) -> TestClient:
    return open_browser()
