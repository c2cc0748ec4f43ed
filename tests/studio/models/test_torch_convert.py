from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from studio.errors import WeightError
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.torch_convert import torch_to_onnx
from studio.settings import Settings
from tests.studio.models import torch_networks as nets

CPU = Settings(device="cpu", threads=1)
NETWORKS = [
    pytest.param(nets.RRDBNet(4), id="rrdbnet-x4"),
    pytest.param(nets.RRDBNet(2, blocks=3), id="rrdbnet-x2"),
    pytest.param(nets.SRVGG(4), id="srvgg-x4"),
    pytest.param(nets.SRVGG(2, layers=5), id="srvgg-x2"),
    pytest.param(nets.AnimeGAN2(), id="animegan2"),
]


def planes(height_px: int, width_px: int) -> np.ndarray[Any, Any]:
    chance = np.random.default_rng(2)
    return chance.random((1, 3, height_px, width_px), np.float32)


@pytest.mark.parametrize("module", NETWORKS)
@pytest.mark.parametrize("size", [(24, 40), (64, 32)])
def test_converted_state_answers_as_torch_does(
    tmp_path: Path, module: nn.Module, size: tuple[int, int]
) -> None:
    module = nets.spread(module)
    torch_to_onnx(nets.save(module, tmp_path / "net.pth"), tmp_path / "net.onnx")
    runtime = OnnxRuntime(tmp_path / "net.onnx", CPU)
    expected = nets.answer(module, planes(*size))

    (found,) = runtime.run({runtime.input_names[0]: planes(*size)})

    assert expected.std() > 0.05, "the reference says something"
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4


def test_conversion_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = nets.save(nets.spread(nets.AnimeGAN2()), tmp_path / "net.pt")
    for name in ("one.onnx", "other.onnx"):
        torch_to_onnx(path, tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"conv_hr.weight": None}, "conv_hr.weight"),
        ({"conv_first.weight": torch.zeros(8, 5, 3, 3)}, "conv_first.weight"),
        ({"extra.weight": torch.zeros(1)}, "extra.weight belongs to no part"),
    ],
)
def test_state_that_does_not_fit_its_architecture_is_refused(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    state = {**nets.RRDBNet(4).state_dict(), **change}
    torch.save({name: v for name, v in state.items() if v is not None}, tmp_path / "net.pth")
    with pytest.raises(WeightError, match=fault) as refusal:
        torch_to_onnx(tmp_path / "net.pth", tmp_path / "net.onnx")
    assert refusal.value.code == "weight.conversion"
    assert not (tmp_path / "net.onnx").exists()


def test_state_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    path = nets.save(nn.Linear(2, 2), tmp_path / "net.pth")
    with pytest.raises(WeightError, match="its first tensor is weight"):
        torch_to_onnx(path, tmp_path / "net.onnx")


@pytest.mark.weights
def test_converted_true_weights_are_those_of_the_default_model(tmp_path: Path) -> None:
    """The drawing net's own numbers, as a checkpoint, end as what ncnn's files were made into."""
    path = Settings().weights_dir / "realesrgan-x4plus-anime" / "realesrgan-x4plus-anime.onnx"
    if not path.exists():
        pytest.skip("`studio weights pull realesrgan-x4plus-anime` brings the weights")
    graph = onnx.load(path).graph
    values = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in graph.initializer}
    module = nets.RRDBNet(4, features=64, blocks=6, growth=32)
    names = [name.removesuffix(".weight") for name in module.state_dict() if "weight" in name]
    ends = ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    order = ["conv_first", *(name for name in names if name.startswith("body")), *ends]
    filters = [node.input for node in graph.node if node.op_type == "Conv"]
    for name, (_, weight, bias) in zip(order, filters, strict=True):
        part = module.get_submodule(name)
        part.weight.data = torch.from_numpy(values[weight])
        part.bias.data = torch.from_numpy(values[bias])

    torch_to_onnx(nets.save(module, tmp_path / "a.pth", key="params_ema"), tmp_path / "a.onnx")

    default, ours = OnnxRuntime(path, CPU), OnnxRuntime(tmp_path / "a.onnx", CPU)
    (expected,) = default.run({default.input_names[0]: planes(24, 32)})
    (found,) = ours.run({"input": planes(24, 32)})
    assert np.abs(found - expected).max() < 1e-6
