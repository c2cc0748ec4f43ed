from __future__ import annotations

import pytest

from db.actor import Actor
from tasks.services import Services
from tests.app.ui.canvas.tabs import Tab
from tests.people import make_person


@pytest.fixture
def mei(services: Services) -> Actor:
    return make_person(services)


@pytest.fixture
def tab(services: Services, mei: Actor, monkeypatch: pytest.MonkeyPatch) -> Tab:
    return Tab(services, mei, monkeypatch)
