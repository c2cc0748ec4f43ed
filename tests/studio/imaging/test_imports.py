from __future__ import annotations

import subprocess
import sys

IMPORT_LIGHT_MODULES = """
import sys
import studio.imaging.decode, studio.imaging.encode, studio.imaging.provenance
import studio.imaging.thumbnail, studio.storage
heavy = {"cv2", "torch", "onnxruntime", "onnx", "skimage", "scipy", "s3fs"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_modules_the_web_process_needs_load_no_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_LIGHT_MODULES], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
