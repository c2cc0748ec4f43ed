"""Servers of a test's own, so that it may kill them; and waiting for what must come."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis


class ServerMissingError(pytest.skip.Exception):
    """This machine has no server that is needed; the text says which. A test is skipped by it."""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], bool], *, timeout_s: float = 30, what: str = "it") -> None:
    """Wait for ``is_so``, and fail rather than wait for ever."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"waited {timeout_s:.0f} s in vain for {what}"
        time.sleep(0.05)


class RedisServer:
    """A Redis that keeps nothing on disk: killed and started again it is empty.

    Raises:
        ServerMissingError: Redis is not installed.

    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise ServerMissingError("no redis-server on this machine; install Redis")
        self.port = free_port()
        keep_nothing = ["--save", "", "--appendonly", "no"]
        self._command = [program, "--port", str(self.port), "--dir", str(folder), *keep_nothing]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, what="Redis")

    def kill(self) -> None:
        """End it without a farewell."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis(port=self.port).ping())
        except redis.ConnectionError:
            return False
