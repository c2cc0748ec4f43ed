from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from db.actor import Actor
from tasks.services import Services
from tests.app.api.calls import use_token
from tests.people import make_person


@pytest.fixture
def mei(services: Services, browser: TestClient) -> Actor:
    """A member, whose API token the browser sends."""
    actor = make_person(services)
    use_token(services, browser, actor)
    return actor
