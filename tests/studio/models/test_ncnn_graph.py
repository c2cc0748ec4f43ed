from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import WeightError
from studio.models.ncnn_graph import read_ncnn
from tests.studio.models.networks import NCNN_NET, write_ncnn


def test_read_ncnn_of_mixed_storage_gives_every_weight_as_float32(tmp_path: Path) -> None:
    layers = {layer.name: layer for layer in read_ncnn(*write_ncnn(tmp_path))}
    assert layers["first"].weights["weight"].shape == (8, 3, 3, 3)
    assert layers["leaky"].weights["weight"].shape == (4, 8, 3, 3)
    assert layers["last"].weights["bias"].shape == (48,)
    assert np.allclose(layers["bend"].weights["slope"], np.linspace(-0.2, 0.4, 8))
    assert all(a.dtype == np.float32 for each in layers.values() for a in each.weights.values())


def test_read_ncnn_reads_list_parameters(tmp_path: Path) -> None:
    layers = {layer.name: layer for layer in read_ncnn(*write_ncnn(tmp_path))}
    assert layers["mix"].numbers(1) == (0.2, 1.0)
    assert layers["leaky"].numbers(10) == (0.2,)
    assert layers["shrink"].number(1) == 0.75


@pytest.mark.parametrize("change", [-4, 4])
def test_read_ncnn_with_weights_of_another_length_refuses(tmp_path: Path, change: int) -> None:
    param, weights = write_ncnn(tmp_path)
    data = weights.read_bytes()
    weights.write_bytes(data[:change] if change < 0 else data + bytes(change))
    with pytest.raises(WeightError, match=r"too short|do not belong together") as refusal:
        read_ncnn(param, weights)
    assert refusal.value.code == "weight.conversion"


def test_read_ncnn_with_unknown_storage_names_the_layer(tmp_path: Path) -> None:
    param, weights = write_ncnn(tmp_path)
    weights.write_bytes(b"\x38\x4b\x0d\x00" + weights.read_bytes()[4:])
    with pytest.raises(WeightError, match="first"):
        read_ncnn(param, weights)


@pytest.mark.parametrize(
    "text", ["", "# Darkroom\n\nA studio.\n", NCNN_NET.replace("7767517", "7767"), "7767517\n0 0\n"]
)
def test_read_ncnn_of_something_else_refuses(tmp_path: Path, text: str) -> None:
    param, weights = write_ncnn(tmp_path, graph=text)
    with pytest.raises(WeightError, match="not an ncnn text graph"):
        read_ncnn(param, weights)
