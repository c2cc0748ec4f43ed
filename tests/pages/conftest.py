"""Pages run by Streamlit's own test harness, in a studio of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import PropertyMock, patch

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from app.people.sessions import session_cookie
from app.ui.faults import logger as faults_log
from db.actor import Actor
from db.session import Database
from studio.models.weights import Installed, WeightStore
from studio.settings import ROOT, get_settings
from tasks.services import Services, get_services
from tests.pages.harness import Visit
from tests.people import HERE, make_person, sign_in


@pytest.fixture
def services(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    """The studio that pages find in their environment."""
    monkeypatch.setenv("STUDIO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("STUDIO_DATABASE_URL", sqlite_database.url)
    get_settings.cache_clear()
    get_services.cache_clear()
    services = get_services()
    services.blobs.prepare()
    yield services
    get_services.cache_clear()


@pytest.fixture(autouse=True)
def _no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Pages say what nobody expected; a test that means it to happen clears the log."""
    yield
    faults = [one for one in caplog.get_records("call") if one.name == faults_log.name]
    assert not faults, "\n".join(one.getMessage() for one in faults)


@pytest.fixture
def mei(services: Services) -> Actor:
    """A member."""
    return make_person(services)


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model counts as installed, for pages that only submit."""
    monkeypatch.setattr(WeightStore, "status", lambda *_: Installed(1))


@pytest.fixture
def visit(services: Services) -> Iterator[Visit]:
    """Runs a page, or ``app/ui/entry.py``, as ``actor``; without one, as a stranger."""
    cookies: dict[str, str] = {}

    def run(script: str, actor: Actor | None = None) -> AppTest:
        cookies.clear()
        if actor is not None:
            cookies[session_cookie(services.settings)] = sign_in(services, actor)[0]
        return AppTest.from_file(ROOT / script, default_timeout=30).run()

    with (
        patch.object(ContextProxy, "cookies", new_callable=PropertyMock, return_value=cookies),
        patch.object(ContextProxy, "headers", new_callable=PropertyMock, return_value={}),
        patch.object(ContextProxy, "ip_address", new_callable=PropertyMock, return_value=HERE.ip),
    ):
        yield run
