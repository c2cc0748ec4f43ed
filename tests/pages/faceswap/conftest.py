from __future__ import annotations

import pytest

from app.people.consent import give_consent
from db.actor import Actor
from tasks.services import Services
from tests.people import HERE


@pytest.fixture
def mei(mei: Actor, services: Services) -> Actor:
    """A member who has confirmed."""
    give_consent(services, mei, "faceswap", HERE)
    return mei


@pytest.fixture(autouse=True)
def _installed(weights: None) -> None:
    """Only tests of missing models have models missing."""
