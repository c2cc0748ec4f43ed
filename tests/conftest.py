"""Rules that hold for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from streamlit.components.v2 import manifest_scanner

from studio.settings import Settings, get_settings

pytest_plugins = ["tests.databases"]

# A busy machine is no fault of the code.
settings.register_profile("studio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("studio")

_OURS = "STUDIO_"
_FOR_TESTS = "STUDIO_TEST_"


def pytest_configure() -> None:
    """What an operator has set for a studio on this machine is none of the tests' business."""
    for name in list(os.environ):
        if name.startswith(_OURS) and not name.startswith(_FOR_TESTS):
            del os.environ[name]
    Settings.model_config["env_file"] = None


@pytest.fixture(scope="session", autouse=True)
def _components_looked_up_once() -> Iterator[None]:
    """Each page that is tried looks through all that is installed, which takes a third of it."""
    look = lru_cache(manifest_scanner.scan_component_manifests)
    with patch.object(manifest_scanner, "scan_component_manifests", look):
        yield


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    """A test that changes the environment must not leave its settings to the next."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()
