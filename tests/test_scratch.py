from __future__ import annotations

from pathlib import Path

import pytest

from studio.settings import Settings
from tasks.supervisor import environment
from tests.scratch import scratch_settings

REAL = {
    "STUDIO_DATABASE_URL": "postgresql://studio@real/darkroom",
    "STUDIO_BROKER_URL": "redis://real/0",
    "STUDIO_STORAGE_URL": "s3://real",
    "STUDIO_STORAGE_ENDPOINT_URL": "http://real",
    "STUDIO_PUBLIC_URL": "https://real",
}


@pytest.fixture
def _real_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout whose ``.env`` and environment name the servers of a real studio."""
    env_file = tmp_path / ".env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in REAL.items()))
    monkeypatch.setitem(Settings.model_config, "env_file", env_file)
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_real_studio")
def test_scratch_settings_name_no_server_of_a_real_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = scratch_settings(tmp_path / "scratch")
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    for one in (settings, Settings()):  # here, and in a process that it starts
        assert "real" not in str(one.model_dump())
        assert one.is_embedded_broker
        assert one.resolved_database_url == f"sqlite:///{tmp_path}/scratch/studio.db"


def test_scratch_settings_take_what_is_chosen(tmp_path: Path) -> None:
    settings = scratch_settings(tmp_path, broker_url="redis://127.0.0.1/5", lease_s=2)
    assert (settings.broker_url, settings.lease_s) == ("redis://127.0.0.1/5", 2)
