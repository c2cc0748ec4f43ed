from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from studio.settings import ROOT

pytestmark = pytest.mark.slow

OPTIONS = (
    "browser.gatherUsageStats",
    "client.showErrorDetails",
    "client.toolbarMode",
    "runner.fastReruns",
    "runner.magicEnabled",
    "server.allowedHosts",
    "server.cookieSecret",
    "server.corsAllowedOrigins",
    "server.enableAgentApi",
    "server.enableXsrfProtection",
    "server.fileWatcherType",
    "server.maxUploadSize",
    "theme.light.primaryColor",
)
_SHOW = """
import json, sys
import app.web.asgi
from streamlit import config
print(json.dumps({name: config.get_option(name) for name in sys.argv[1:]}))
"""


def options_of(data_dir: Path, **environment: str) -> dict[str, object]:
    """Streamlit's options in a web process of its own, started in another folder."""
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, *OPTIONS],
        cwd=data_dir,
        env=os.environ | {"STUDIO_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    options: dict[str, object] = json.loads(done.stdout)
    return options


def test_streamlit_is_configured_wherever_it_is_started(tmp_path: Path) -> None:
    options = options_of(tmp_path, STUDIO_MAX_UPLOAD_BYTES="5000001")
    secret = options.pop("server.cookieSecret")
    assert options == {
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "runner.fastReruns": False,
        "runner.magicEnabled": False,
        "server.allowedHosts": [],
        "server.corsAllowedOrigins": [],
        "server.enableAgentApi": False,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 48,
        "theme.light.primaryColor": "#c64d1d",
    }
    assert isinstance(secret, str)
    assert len(secret) == 64


def test_streamlit_cookie_secret_is_private_and_survives_a_restart(tmp_path: Path) -> None:
    first = options_of(tmp_path)
    again = options_of(tmp_path)
    assert first["server.cookieSecret"] == again["server.cookieSecret"]
    assert stat.S_IMODE((tmp_path / "cookie-secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["cookie-secret"]


def test_streamlit_behind_a_proxy_knows_its_public_address(tmp_path: Path) -> None:
    options = options_of(tmp_path, STUDIO_PUBLIC_URL="https://photos.example.org/")
    assert options["server.allowedHosts"] == [
        "photos.example.org",
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    assert options["server.corsAllowedOrigins"] == ["https://photos.example.org"]
