"""The web process must stay light: no network runtime, no OpenCV, no worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from studio.settings import ROOT

HEAVY = {"celery.worker", "cv2", "ncnn", "onnx", "onnxruntime", "skimage", "torch"}
_IMPORT_ALL = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def test_web_process_and_every_page_load_no_runtime_and_no_worker(tmp_path: Path) -> None:
    pages = [f"pages.{path.stem}" for path in (ROOT / "pages").glob("*.py")]
    files = {path.stem for path in (ROOT / "app" / "ui").glob("*.py")} - {"entry"}  # a script
    widgets = [f"app.ui.{name}" for name in sorted(files)]
    assert len(pages) > 5
    modules = ["app.web.asgi", "app.ui.navigation", *pages, *widgets]
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, *modules],
        cwd=ROOT,
        env=os.environ | {"STUDIO_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"streamlit", "PIL", "sqlalchemy"} <= loaded
    assert not loaded & HEAVY
