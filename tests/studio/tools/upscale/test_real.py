"""OpenCV's published super-resolution graphs, from import to the encoded result."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.imaging.decode import Limits, decode
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import UpscaleParams
from studio.report import Report
from studio.settings import Settings
from studio.tools.pipeline import InputFile, run_tool
from studio.tools.registry import TOOLS

SAMPLES_ENV = "STUDIO_TEST_SAMPLES"
"""Folder with photos/butterfly.png and weights/*.pb."""
LIMITS = Limits.from_settings(Settings())
MODELS = [
    ("espcn-x2", "ESPCN_x2.pb", "espcn", 2),
    ("espcn-x3", "ESPCN_x3.pb", "espcn", 3),
    ("espcn-x4", "ESPCN_x4.pb", "espcn", 4),
    ("fsrcnn-x2", "FSRCNN_x2.pb", "fsrcnn", 2),
    ("fsrcnn-x3", "FSRCNN_x3.pb", "fsrcnn", 3),
    ("fsrcnn-x4", "FSRCNN_x4.pb", "fsrcnn", 4),
    ("fsrcnn-small-x3", "FSRCNN-small_x3.pb", "fsrcnn", 3),
]


@pytest.mark.weights
@pytest.mark.parametrize(("model_id", "file", "algorithm", "scale"), MODELS)
def test_upscale_has_the_psnr_that_opencv_has(
    tmp_path: Path, model_id: str, file: str, algorithm: str, scale: int
) -> None:
    folder = Path(os.environ.get(SAMPLES_ENV, "/nonexistent"))
    weights, photo = folder / "weights" / file, cv2.imread(str(folder / "photos" / "butterfly.png"))
    if photo is None or not weights.exists():
        pytest.skip(f"set {SAMPLES_ENV} to a folder with photos/butterfly.png and {file}")
    height, width = (side // scale * scale for side in photo.shape[:2])
    truth = photo[:height, :width]
    small = cv2.resize(truth, (width // scale, height // scale), interpolation=cv2.INTER_CUBIC)
    opencv = cv2.dnn_superres.DnnSuperResImpl.create()
    opencv.readModel(str(weights))
    opencv.setModel(algorithm, scale)
    expected_db = cv2.PSNR(opencv.upsample(small), truth)
    bicubic = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    store = WeightStore(tmp_path, load_catalogue())
    [taken] = store.import_file(weights)
    picture = InputFile("image", "butterfly.png", cv2.imencode(".png", small)[1].tobytes())

    result = run_tool(
        TOOLS["upscale"],
        [picture],
        UpscaleParams(model=model_id, scale=scale),
        ModelCache(store, Settings(device="cpu")),
        Report(),
        limits=LIMITS,
        new_file=BytesIO,
        pool=None,
    )

    assert taken.model_id == model_id
    found = decode(
        result.outputs[0].file.getvalue(), file_name="butterfly.png", limits=LIMITS
    ).pixels
    found_db = cv2.PSNR(np.ascontiguousarray(found[..., ::-1]), truth)
    # Not the same bytes: the rim is mirrored and levels are held to the source's.
    assert found_db > expected_db - 0.04
    assert found_db > cv2.PSNR(bicubic, truth) + 0.5
