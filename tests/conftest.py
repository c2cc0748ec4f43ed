"""Rules that hold for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.settings import get_settings

pytest_plugins = ["tests.databases"]


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    """A test that changes the environment must not leave its settings to the next."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()
