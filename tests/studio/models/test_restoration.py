from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import ModelUnavailableError
from studio.models.restoration import restore_crop
from tests.studio.models.face_networks import (
    catalogue_contract,
    load,
    write_bridge,
    write_restorer,
)


@pytest.mark.parametrize(
    ("model_id", "input_name"),
    [
        ("gfpgan-1.4", "input"),
        ("gfpgan-1.4-harisreedhar", "x.1"),
        ("restoreformer-plus-plus", "input"),
    ],
)
def test_restore_crop_feeds_and_reads_minus_one_to_one(
    tmp_path: Path, model_id: str, input_name: str
) -> None:
    path = write_restorer(tmp_path / "net.onnx", input_name=input_name)
    crop = np.random.default_rng(1).integers(0, 256, (512, 512, 3)).astype(np.uint8)

    restored = restore_crop(load(path, catalogue_contract(model_id)), crop, fidelity=0.5)

    assert np.array_equal(restored, 255 - crop)


def test_restore_crop_gives_codeformer_its_weight_in_double_precision(tmp_path: Path) -> None:
    path = write_restorer(tmp_path / "net.onnx", has_weight=True)
    model = load(path, catalogue_contract("codeformer"))
    crop = np.full((512, 512, 3), 255, np.uint8)

    assert np.all(restore_crop(model, crop, fidelity=1.0) == 255)
    # Half way between white and the middle of the range.
    assert np.all(restore_crop(model, crop, fidelity=0.5) == 191)


def test_restore_crop_by_another_kind_of_network_is_an_error(tmp_path: Path) -> None:
    model = load(write_bridge(tmp_path / "net.onnx"), catalogue_contract("crossface-ghost"))

    with pytest.raises(ModelUnavailableError, match="not described as a face restoration network"):
        restore_crop(model, np.zeros((512, 512, 3), np.uint8), fidelity=0.5)
