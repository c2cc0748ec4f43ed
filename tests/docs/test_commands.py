"""How people are told to type `studio`: one way, wherever they read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.settings import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TOLD = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "weights" / "README.md"]


def test_readme_tells_how_to_reach_the_command_before_its_examples() -> None:
    assert README.index("source .venv/bin/activate") < README.index("\nstudio run ")


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.name)
def test_command_is_written_without_its_folder(path: Path) -> None:
    assert "bin/studio" not in path.read_text(encoding="utf-8")
