from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.errors import SettingsError
from studio.settings import get_settings

NO_HOST = "“{}” is no host alone, without https:// and without a path"


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
        ("STUDIO_DEVICE", "gpu", "choose one of cpu and cuda"),
        ("STUDIO_WEIGHT_MIRRORS", "mirror.example, :80", NO_HOST.format(":80")),
        ("STUDIO_WEIGHT_MIRRORS", "https://mirror.lan", NO_HOST.format("https://mirror.lan")),
        ("STUDIO_WEIGHT_MIRRORS", "mirror.lan/weights", NO_HOST.format("mirror.lan/weights")),
        ("STUDIO_WEIGHT_MIRRORS", "me@mirror.lan", NO_HOST.format("me@mirror.lan")),
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


@pytest.mark.parametrize(
    ("value", "device"), [("", None), ("cuda", "cuda"), ("CUDA", "cuda"), (" Cpu ", "cpu")]
)
def test_device_is_taken_in_small_or_capital_letters_or_left_open(
    monkeypatch: pytest.MonkeyPatch, value: str, device: str | None
) -> None:
    monkeypatch.setenv("STUDIO_DEVICE", value)
    assert get_settings().device == device


@pytest.mark.parametrize(
    ("mirrors", "hosts"),
    [
        ("", set()),
        ("mirror.example, 10.0.0.7", {"mirror.example", "10.0.0.7"}),
        ("Mirror.Example:8443,", {"mirror.example"}),
        ("[fd00::7]:8080, FD00::8", {"fd00::7", "fd00::8"}),
        ("[FD00:0::0007]", {"fd00::7"}),
    ],
)
def test_trusted_weight_hosts_are_named_as_addresses_name_them(
    monkeypatch: pytest.MonkeyPatch, mirrors: str, hosts: set[str]
) -> None:
    monkeypatch.setenv("STUDIO_WEIGHT_MIRRORS", mirrors)
    assert get_settings().trusted_weight_hosts == hosts
