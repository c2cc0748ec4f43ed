from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import ModelUnavailableError
from studio.models.embedding import cross_bridge, embed, likeness, unit
from tests.studio.models.face_networks import (
    catalogue_contract,
    load,
    write_bridge,
    write_recogniser,
)


@pytest.mark.parametrize(
    ("model_id", "input_name"), [("arcface-w600k-r50", "input"), ("w600k-r50", "input.1")]
)
def test_embed_feeds_rgb_from_minus_one_to_one(
    tmp_path: Path, model_id: str, input_name: str
) -> None:
    path = write_recogniser(tmp_path / "net.onnx", input_name=input_name)
    crop = np.zeros((112, 112, 3), np.uint8)
    crop[..., 0] = 255

    embedding = embed(load(path, catalogue_contract(model_id)), crop)

    assert embedding.shape == (512,)
    assert embedding.dtype == np.float32
    assert np.allclose(embedding[:4], [10, -10, -10, 0])


@pytest.mark.parametrize("model_id", ["crossface-ghost", "crossface-simswap"])
def test_bridge_takes_the_embedding_as_it_is(tmp_path: Path, model_id: str) -> None:
    model = load(write_bridge(tmp_path / "net.onnx"), catalogue_contract(model_id))

    crossed = cross_bridge(model, np.arange(512, dtype=np.float32))

    assert np.array_equal(crossed, -np.arange(512, dtype=np.float32))


def test_likeness_is_one_for_the_same_direction_and_zero_across() -> None:
    one, other = np.eye(2, 512, dtype=np.float32)

    assert likeness(one, 7 * one) == pytest.approx(1)
    assert likeness(one, other) == pytest.approx(0)
    assert np.linalg.norm(unit(7 * one)) == pytest.approx(1)


def test_embed_by_another_kind_of_network_is_an_error(tmp_path: Path) -> None:
    bridge = load(write_bridge(tmp_path / "net.onnx"), catalogue_contract("crossface-ghost"))
    recogniser = load(write_recogniser(tmp_path / "r.onnx"), catalogue_contract("w600k-r50"))

    with pytest.raises(ModelUnavailableError):
        embed(bridge, np.zeros((112, 112, 3), np.uint8))
    with pytest.raises(ModelUnavailableError):
        cross_bridge(recogniser, np.zeros(512, np.float32))
