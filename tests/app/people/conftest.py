"""What tests of accounts and of signing in share."""

from __future__ import annotations

import pytest

from app.people import throttle

LONG_S = 3600.0


@pytest.fixture
def waits_outlast_the_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not let in whoever has to wait."""
    monkeypatch.setattr(throttle, "_FIRST_WAIT_S", LONG_S)
    for name in {"services", "any_services"} & set(request.fixturenames):
        settings = request.getfixturevalue(name).settings
        monkeypatch.setitem(settings.__dict__, "sign_in_longest_wait_s", LONG_S)
