from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.celery_app import broker_folder
from tasks.transport import probe
from tests.chaos import __main__ as chaos
from tests.chaos.outages import OutageReport
from tests.chaos.parts import MissingFolder
from tests.chaos.studio import Setup, embedded
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
    _, row = capsys.readouterr().out.splitlines()
    assert row.split(maxsplit=2)[:2] == ["redis", "all"]
    assert "left out: no redis-server on this machine" in row


def _refuse(command: list[str], **_options: object) -> None:
    raise subprocess.CalledProcessError(1, command, stderr="mount: must be superuser.\n")


@pytest.mark.parametrize("parts", [[], ["--part", "disk"]])
def test_main_says_why_no_disk_was_filled(
    parts: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.chaos.parts.subprocess.run", _refuse)
    monkeypatch.setattr(chaos, "run_outages", lambda _setup, _outages: OutageReport())
    monkeypatch.setattr("sys.argv", ["chaos", "--setup", "files", "--kill-jobs", "0", *parts])
    assert chaos.main() == 1  # nothing was shown to be sound
    _, row = capsys.readouterr().out.splitlines()
    assert row.split(maxsplit=2)[:2] == ["files", "disk"]
    assert row.endswith("left out: this user may not mount a disk: mount: must be superuser.")


def test_broker_of_files_that_is_taken_away_cannot_be_read_nor_made_anew(tmp_path: Path) -> None:
    with embedded(tmp_path) as setup:
        folder, part = broker_folder(setup.settings), setup.parts["broker"]
        folder.mkdir(parents=True)
        (folder / "before").touch()
        part.close()
        with pytest.raises(OSError, match="broker"):
            probe(folder)
        part.restore()
        assert [path.name for path in folder.iterdir()] == ["before"]


def test_missing_folder_comes_back_over_what_was_written_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "before").touch()
    part = MissingFolder(folder)
    part.close()
    folder.mkdir()
    (folder / "meanwhile").touch()
    part.restore()
    assert [path.name for path in folder.iterdir()] == ["before"]
