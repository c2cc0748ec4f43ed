"""A sixth tool joins from a package of its own, with no line changed here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.settings import ROOT

HERE = Path(__file__).parent
PACKAGE = HERE / "darkroom_sepia"
HEAVY = {"cv2", "ncnn", "onnx", "onnxruntime", "torch"}


def with_package(*words: object) -> subprocess.CompletedProcess[str]:
    """Run Python with the added package on its path, as if it were installed."""
    path = os.pathsep.join([str(PACKAGE), str(ROOT)])
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_added_tool_runs_by_page_rest_and_command_line() -> None:
    ways = HERE / "sepia_ways.py"
    done = with_package("-m", "pytest", "-q", "-p", "no:cacheprovider", ways)
    assert done.returncode == 0, done.stdout + done.stderr


def test_added_tool_is_known_without_loading_a_runtime() -> None:
    script = (
        "import sys; from studio.tools.registry import TOOLS; print('sepia' in TOOLS, *sys.modules)"
    )
    done = with_package("-c", script)
    known, *modules = done.stdout.split()
    assert known == "True", done.stderr
    assert not {name.partition(".")[0] for name in modules} & HEAVY
