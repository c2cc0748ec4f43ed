"""The web process must stay light: no network runtime, no OpenCV, no worker."""

from __future__ import annotations

from pathlib import Path

from studio.settings import ROOT
from tests.imports import loaded_by

HEAVY = {"celery.worker", "cv2", "ncnn", "onnx", "onnxruntime", "skimage", "torch"}


def test_web_process_and_every_page_load_no_runtime_and_no_worker(tmp_path: Path) -> None:
    pages = [f"pages.{path.stem}" for path in (ROOT / "pages").glob("*.py")]
    files = {path.stem for path in (ROOT / "app" / "ui").glob("*.py")} - {"entry"}  # a script
    widgets = [f"app.ui.{name}" for name in sorted(files)]
    assert len(pages) > 5
    modules = ["app.web.asgi", "app.ui.navigation", *pages, *widgets]
    loaded = loaded_by(*modules, STUDIO_DATA_DIR=str(tmp_path))
    assert {"streamlit", "PIL", "sqlalchemy"} <= loaded
    assert not loaded & HEAVY
