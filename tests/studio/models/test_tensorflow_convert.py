from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812  # everybody's name for it

from studio.errors import WeightError
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.tensorflow_convert import tensorflow_to_onnx
from studio.models.tensorflow_graph import read_graph
from studio.settings import Settings
from tests.studio.models.tensorflow_graphs import DctNet, write_espcn

CPU = Settings(device="cpu", threads=1)
SAMPLES_ENV = "STUDIO_TEST_SAMPLES"


def picture(height_px: int, width_px: int) -> np.ndarray[Any, Any]:
    chance = np.random.default_rng(4)
    return chance.integers(0, 256, (height_px, width_px, 3)).astype(np.float32)


class Reference:
    """DCT-Net's network by PyTorch, with TensorFlow's padding and TensorFlow's resizing."""

    def __init__(self, weights: dict[str, np.ndarray[Any, Any]]) -> None:
        self._weights = {name: torch.from_numpy(value) for name, value in weights.items()}

    def __call__(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
        drawn = self._guided(x, self._unet(x))[0].clip(-0.999999, 0.999999)
        return ((drawn + 1) * 127.5).permute(1, 2, 0).numpy()

    def _unet(self, x: Any) -> Any:
        x0 = self._leak(x, "Conv")
        x1 = self._leak(self._leak(x0, "Conv_1", 2), "Conv_2")
        x2 = self._leak(self._leak(x1, "Conv_3", 2), "Conv_4")
        x2 = self._conv(self._leak(x2, "block_0/conv1"), "block_0/conv2") + x2
        x3 = self._double(self._leak(x2, "Conv_5")) + x1
        x3 = self._leak(self._leak(x3, "Conv_6"), "Conv_7")
        return self._conv(self._leak(self._double(x3) + x0, "Conv_8"), "Conv_9")

    def _leak(self, x: Any, name: str, stride: int = 1) -> Any:
        return F.leaky_relu(self._conv(x, name, stride), 0.2)

    def _conv(self, x: Any, name: str, stride: int = 1) -> Any:
        kernel = self._weights[f"{name}/weights"].permute(3, 2, 0, 1)
        pads: list[int] = []
        for side in (3, 2):
            size, length = kernel.shape[side], x.shape[side]
            total = max((-(-length // stride) - 1) * stride + size - length, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), kernel, self._weights[f"{name}/biases"], stride)

    @staticmethod
    def _double(x: Any) -> Any:
        """Bilinear with corner-aligned source pixels at even places, the last one repeated."""
        for axis in (2, 3):
            following = torch.cat(
                [x.narrow(axis, 1, x.shape[axis] - 1), x.narrow(axis, -1, 1)], axis
            )
            x = torch.stack([x, (x + following) / 2], axis + 1).flatten(axis, axis + 1)
        return x

    @staticmethod
    def _guided(x: Any, y: Any) -> Any:
        def mean(z: Any) -> Any:
            return F.avg_pool2d(z, 3, 1, 1, count_include_pad=False)

        gain = (mean(x * y) - mean(x) * mean(y)) / (mean(x * x) - mean(x) ** 2 + 0.01)
        return mean(gain) * x + mean(mean(y) - gain * mean(x))


def converted(folder: Path, graph: DctNet) -> OnnxRuntime:
    tensorflow_to_onnx(graph.write(folder / "net.pb"), folder / "net.onnx")
    return OnnxRuntime(folder / "net.onnx", CPU)


@pytest.mark.parametrize("is_old", [False, True])
def test_converted_portrait_network_answers_as_its_definition(
    tmp_path: Path, *, is_old: bool
) -> None:
    graph = DctNet(is_old=is_old)
    runtime, pixels = converted(tmp_path, graph), picture(48, 80)
    expected = Reference(graph.weights)(pixels)

    (found,) = runtime.run({"input_image": pixels})

    assert found.dtype == np.uint8
    assert found.shape == (48, 80, 3)
    assert expected.std() > 15, "the reference says something"
    # The cast cuts off what follows the point; 1e-3 is what float32 may lose on the way.
    assert np.all(found <= expected + 1e-3)
    assert np.all(found > expected - 1 - 1e-3)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(height=st.integers(1, 6), width=st.integers(1, 6))
def test_converted_portrait_network_takes_every_size_it_was_made_for(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int
) -> None:
    runtime = converted(tmp_path_factory.mktemp("net"), DctNet())
    (found,) = runtime.run({runtime.input_names[0]: picture(16 * height, 16 * width)})
    assert found.shape == (16 * height, 16 * width, 3)


def test_converted_graph_is_the_same_each_time(tmp_path: Path) -> None:
    path = DctNet().write(tmp_path / "net.pb")
    for name in ("one.onnx", "other.onnx"):
        tensorflow_to_onnx(path, tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


def test_graph_with_an_unknown_operation_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="node shuffle of type DepthToSpace") as refusal:
        tensorflow_to_onnx(write_espcn(tmp_path / "net.pb", gain=1), tmp_path / "net.onnx")
    assert refusal.value.code == "weight.conversion"


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x0a\x02\x0a\x00"])
def test_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pb"
    path.write_bytes(content)
    with pytest.raises(WeightError, match=r"net\.pb is not a frozen TensorFlow graph"):
        tensorflow_to_onnx(path, tmp_path / "net.onnx")


@pytest.mark.weights
def test_read_graph_of_a_file_that_tensorflow_wrote() -> None:
    path = Path(os.environ.get(SAMPLES_ENV, "/nonexistent")) / "weights" / "ESPCN_x3.pb"
    if not path.exists():
        pytest.skip(f"set {SAMPLES_ENV} to a folder with weights/{path.name}")
    nodes = read_graph(path)
    by_name = {node.name: node for node in nodes}
    assert nodes[-1].name == "NCHW_output"
    assert by_name["conv1"].inputs == ("IteratorGetNext", "f1")
    assert by_name["conv1"].attributes["padding"] == "SAME"
    kernel = by_name["f1"].attributes["value"]
    assert kernel.shape == (5, 5, 1, 64)
    assert 0.01 < np.abs(kernel).mean() < 1
