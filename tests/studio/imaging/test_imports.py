from __future__ import annotations

from tests.imports import loaded_by


def test_modules_the_web_process_needs_load_no_heavy_library() -> None:
    imaging = [f"studio.imaging.{name}" for name in ("decode", "encode", "provenance", "thumbnail")]
    heavy = {"cv2", "torch", "onnxruntime", "onnx", "skimage", "scipy", "s3fs"}
    assert not loaded_by(*imaging, "studio.storage") & heavy
