from __future__ import annotations

import os
import shlex
from configparser import RawConfigParser
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from studio.settings import Settings
from tasks.supervisor import environment, programs, write_config


def read_config(path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    assert parser.read(path) == [str(path)]
    return parser


def test_programs_cover_web_all_lanes_and_beat(tmp_path: Path) -> None:
    found = {program.name: program.command for program in programs(Settings(data_dir=tmp_path))}
    assert list(found) == ["web", "worker-gpu", "worker-light", "beat"]
    assert "--queues=studio.gpu" in found["worker-gpu"]
    assert "--queues=studio.cpu,studio.maintenance" in found["worker-light"]
    assert "app.web.asgi:app" in found["web"]


def test_programs_machine_without_network_workers_has_none(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, network_workers=0)
    assert "worker-gpu" not in {program.name for program in programs(settings)}


def test_programs_machine_without_light_workers_keeps_maintenance_on_its_network_worker(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, light_workers=0)
    found = {program.name: program.command for program in programs(settings)}
    assert list(found) == ["web", "worker-gpu", "beat"]
    assert "--queues=studio.gpu,studio.maintenance" in found["worker-gpu"]


def test_programs_machine_without_workers_has_no_beat_whose_tokens_nobody_takes(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, light_workers=0, network_workers=0)
    assert [program.name for program in programs(settings)] == ["web"]


def test_write_config_every_program_is_restarted_and_killed_as_a_group(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "100% odd folder", light_workers=3)
    config = read_config(write_config(settings))
    for program in programs(settings):
        section = config[f"program:{program.name}"]
        assert (section["autorestart"], section["killasgroup"]) == ("true", "true")
        assert shlex.split(section["command"].replace("%%", "%")) == list(program.command)
        assert Path(section["stdout_logfile"].replace("%%", "%")).parent.is_dir()
    assert "--concurrency=3" in config["program:worker-light"]["command"]
    assert config["supervisord"]["nodaemon"] == "true"


def test_environment_hands_on_what_was_set_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        data_dir=Path("here"), port=9000, admin_password=SecretStr("once"), secure_cookies=True
    )
    given = environment(settings)
    assert given["STUDIO_DATA_DIR"] == str(tmp_path / "here")
    assert (given["STUDIO_PORT"], given["STUDIO_ADMIN_PASSWORD"]) == ("9000", "once")
    assert "STUDIO_LEASE_S" not in given or "STUDIO_LEASE_S" in os.environ
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Settings().secure_cookies
    assert Settings().data_dir == tmp_path / "here"


EVERY_SETTING: dict[str, Any] = {
    "data_dir": Path("/srv/data"),
    "weights_dir": Path("/srv/weights"),
    "catalogue_path": Path("/srv/catalogue.toml"),
    "weight_mirrors": "mirror.lan,other.lan",
    "database_url": "postgresql://studio:a%20b@db/studio",
    "broker_url": "redis://broker/1",
    "storage_url": "s3://bucket/prefix",
    "storage_endpoint_url": "http://minio:9000",
    "host": "0.0.0.0",
    "port": 9000,
    "public_url": "https://studio.lan",
    "trusted_proxies": (ip_network("10.0.0.0/8"), ip_network("::1")),
    "secure_cookies": True,
    "session_days": 3,
    "admin_name": "mei",
    "admin_password": SecretStr("once, and not again"),
    "sign_in_attempts": 7,
    "sign_in_longest_wait_s": 12.5,
    "sign_in_window_s": 60.0,
    "max_upload_bytes": 1_000,
    "max_pixels": 2_000,
    "max_files_per_run": 4,
    "network_workers": 0,
    "light_workers": 2,
    "threads": 3,
    "device": "cpu",
    "model_cache_bytes": 5_000,
    "embed_provenance": False,
    "lease_s": 5.5,
    "heartbeat_s": 0.05,
    "reconcile_s": 1.5,
    "deaf_after_s": 20.0,
    "max_attempts": 9,
    "broker_poll_s": 0.25,
    "trash_days": 0,
}


def test_environment_hands_every_setting_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EVERY_SETTING.keys() == Settings.model_fields.keys()
    settings = Settings(**EVERY_SETTING)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_write_config_holds_no_secret(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        database_url="postgresql://studio:hidden@db/studio",
        admin_password=SecretStr("hidden"),
    )
    assert "hidden" not in write_config(settings).read_text(encoding="utf-8")
