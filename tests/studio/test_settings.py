from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.errors import SettingsError
from studio.settings import get_settings


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("STUDIO_PORT", "secret-port", "this must be a whole number"),
        ("STUDIO_MAX_FILES_PER_RUN", "0", "this must be 1 or more"),
        ("STUDIO_SECURE_COOKIES", "perhaps", "this must be true or false"),
        ("STUDIO_TRUSTED_PROXIES", "10.0.0.0/8, nowhere", "this value cannot be used"),
    ],
)
def test_setting_that_cannot_be_used_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        get_settings()

    assert str(refused.value.message) == (
        f"{name} cannot be used: {reason}. Mend it in the environment or in .env."
    )
