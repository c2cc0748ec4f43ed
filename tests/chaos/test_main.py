from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos.studio import Setup
from tests.servers import RedisServer, ServerMissingError


@contextmanager
def on_redis(folder: Path) -> Iterator[Setup]:
    RedisServer(folder)
    yield pytest.fail("there is a Redis")


@pytest.fixture
def _without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.shutil.which", lambda _name: None)


@pytest.mark.usefixtures("_without_redis")
def test_redis_server_that_is_not_installed_is_told_by_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ServerMissingError, match="install Redis"):
        RedisServer(tmp_path)


@pytest.mark.usefixtures("_without_redis")
def test_main_says_what_was_left_out_and_that_nothing_was_shown_to_be_sound(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chaos, "SETUPS", {"redis": on_redis})
    monkeypatch.setattr("sys.argv", ["chaos"])
    assert chaos.main() == 1
    assert "left out: redis: no redis-server on this machine" in capsys.readouterr().out
