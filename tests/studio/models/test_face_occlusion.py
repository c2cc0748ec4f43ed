from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import ModelUnavailableError
from studio.models.face_occlusion import uncovered
from tests.studio.models.face_networks import (
    catalogue_contract,
    load,
    write_bridge,
    write_occluder,
)


def test_uncovered_feeds_bgr_last_and_answers_at_the_crops_size(tmp_path: Path) -> None:
    model = load(write_occluder(tmp_path / "net.onnx"), catalogue_contract("xseg-3"))
    crop = np.zeros((300, 400, 3), np.uint8)
    crop[:150, :, 2] = 255

    mask = uncovered(model, crop)

    assert mask.shape == (300, 400)
    assert mask.dtype == np.float32
    assert np.all(mask[:140] == 1)
    assert np.all(mask[160:] == 0)


def test_uncovered_by_another_kind_of_network_is_an_error(tmp_path: Path) -> None:
    model = load(write_bridge(tmp_path / "net.onnx"), catalogue_contract("crossface-ghost"))

    with pytest.raises(ModelUnavailableError, match="not described as an occlusion network"):
        uncovered(model, np.zeros((64, 64, 3), np.uint8))
