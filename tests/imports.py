"""What importing a module loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from studio.settings import ROOT

_SCRIPT = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([*sys.modules]))
"""


def loaded_by(*modules: str, **environment: str) -> set[str]:
    """The names of all modules that a fresh process has after importing these."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *modules],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(loaded)
