"""``studio up`` as people run it: a process tree from an empty folder, and its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from app.commands.up import address
from studio.errors import ModelUnavailableError
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.settings import ROOT, Settings
from tests.app.commands.outcome import Studio
from tests.servers import free_port

pytestmark = pytest.mark.slow


@contextmanager
def studio_up(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "from app.commands.cli import main; main()", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, "STUDIO_DATA_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def read_until_open(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "The studio is open at" in line:
            break
    return "".join(lines)


def test_up_without_weights_starts_says_what_is_missing_and_stops_on_sigterm(
    tmp_path: Path,
) -> None:
    port = free_port()
    environment = {
        "STUDIO_WEIGHTS_DIR": str(tmp_path / "no-weights"),
        "STUDIO_PORT": str(port),
        "STUDIO_ADMIN_NAME": "boss",
    }
    with studio_up(tmp_path / "data", **environment) as process:
        said = read_until_open(process)

        assert "Sign in as “boss”" in said
        assert re.search(r"^ +[a-z2-9]{4}(-[a-z2-9]{4}){3}$", said, re.MULTILINE)
        assert "studio weights pull isnet" in said
        assert "No sample job was run" in said
        assert f"http://127.0.0.1:{port}" in said
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 5

        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "The studio is closed." in rest
    assert not [member for member in family if member.is_running()]


@pytest.mark.weights("isnet")
def test_up_for_the_first_time_runs_the_sample_through_the_queue(tmp_path: Path) -> None:
    weights_dir = Settings().weights_dir
    try:
        WeightStore(weights_dir, load_catalogue()).path("isnet")
    except ModelUnavailableError as error:
        pytest.skip(str(error))
    environment = {"STUDIO_WEIGHTS_DIR": str(weights_dir), "STUDIO_PORT": str(free_port())}
    with studio_up(tmp_path, STUDIO_ADMIN_PASSWORD="a given password", **environment) as process:
        said = read_until_open(process)

    assert "a given password" not in said
    found = re.search(r"Sample job: (\S+\.png) in [\d.]+ s", said)
    assert found, said
    assert Path(found[1]).read_bytes().startswith(b"\x89PNG")


def test_up_on_a_taken_port_says_so_and_touches_nothing(
    studio: Studio, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("STUDIO_PORT", str(taken.getsockname()[1]))

        outcome = studio("up")

    assert outcome.code == 1
    assert "STUDIO_PORT" in outcome.err
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "0.0.0.0", "port": 9000}, "http://localhost:9000"),
        ({"host": "2001:db8::1", "port": 9000}, "http://[2001:db8::1]:9000"),
        ({"public_url": "https://photos.example.org"}, "https://photos.example.org"),
    ],
)
def test_address_is_one_that_a_browser_can_open(
    settings: dict[str, str | int], expected: str
) -> None:
    assert address(Settings(**settings)) == expected
