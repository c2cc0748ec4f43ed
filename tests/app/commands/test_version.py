from __future__ import annotations

from importlib.metadata import version

from typer.testing import CliRunner

from app.commands.cli import app


def test_version_is_printed_and_nothing_is_run() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"darkroom {version('darkroom')}\n")
