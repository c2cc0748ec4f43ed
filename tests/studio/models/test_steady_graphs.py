"""Networks for ONNX Runtime, opened as the studio opens them, on one, two and five cores."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from studio.imaging.picture import Pixels
from studio.models.embedding import cross_bridge, embed
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.runtimes import load_runtime
from studio.models.steady_graphs import is_steady
from studio.models.threads import STEADY_THREADS
from studio.settings import Settings
from tests.studio.models.face_networks import (
    FLOAT,
    Ports,
    catalogue_contract,
    load,
    write_graph,
    write_swapper,
)
from tests.studio.models.networks import write_enlarger, write_mean_of_channels
from tests.studio.models.weight_factories import make_file, make_model

CORES = (1, 2, 5)
in_blocks = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="convolutions are products elsewhere"
)


def noise(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def write(
    path: Path,
    node: onnx.NodeProto,
    constants: dict[str, np.ndarray[Any, Any]],
    *shapes: Sequence[int],
) -> Path:
    """One operation; its inputs are "input0", "input1" and so on, of the given shapes."""
    inputs: Ports = {f"input{number}": (FLOAT, shape) for number, shape in enumerate(shapes)}
    rank = len(shapes[0])
    outputs: Ports = {"output": (FLOAT, [None] * rank)}  # type: ignore[dict-item]
    return write_graph(path, [node], constants, inputs=inputs, outputs=outputs)


def write_product(path: Path) -> Path:
    """Of a vector with a matrix, as the last layer of a recogniser."""
    node = helper.make_node("Gemm", ["input0", "matrix"], ["output"])
    return write(path, node, {"matrix": noise(512, 512)}, (1, 512))


def write_matrix_times_vector(path: Path) -> Path:
    node = helper.make_node("MatMul", ["input0", "input1"], ["output"])
    return write(path, node, {}, (512, 512), (512, 1))


def write_attention(path: Path) -> Path:
    """A product of two matrices that are both computed."""
    node = helper.make_node("MatMul", ["input0", "input1"], ["output"])
    return write(path, node, {}, (7, 2048), (2048, 100))


def write_leading_mean(path: Path) -> Path:
    node = helper.make_node("ReduceMean", ["input0"], ["output"], axes=[2])
    return write(path, node, {}, (1, 3, 320, 320))


def write_convolution(path: Path, made: int = 503, taken: int = 501, **options: Any) -> Path:
    """By default of channels that do not come in blocks, which makes it a product of matrices."""
    node = helper.make_node("Conv", ["input0", "weights"], ["output"], pads=[1] * 4, **options)
    weights = noise(made, taken, 3, 3)
    return write(path, node, {"weights": weights}, (1, taken * options.get("group", 1), 3, 3))


def write_shrinking(path: Path) -> Path:
    """Each channel of a picture apart, as the last step of a network that makes it too large."""
    node = helper.make_node("Conv", ["input0", "weights"], ["output"], group=3, strides=[4, 4])
    return write(path, node, {"weights": noise(27, 1, 6, 6)}, (1, 3, 515, 771))


def write_transposed_convolution(path: Path) -> Path:
    node = helper.make_node("ConvTranspose", ["input0", "weights"], ["output"])
    return write(path, node, {"weights": noise(2048, 130, 1, 1)}, (1, 2048, 1, 1))


def opened(path: Path, cores: int) -> OnnxRuntime:
    file = make_file(path.name)
    spec = make_model(file)
    runtime = load_runtime(path, spec, file, Settings(device="cpu", threads=cores))
    assert isinstance(runtime, OnnxRuntime)
    return runtime


def answer(path: Path, cores: int) -> bytes:
    runtime = opened(path, cores)
    feed = {}
    for port in runtime._session.get_inputs():
        feed[port.name] = noise(*(size if isinstance(size, int) else 61 for size in port.shape))
    return b"".join(output.tobytes() for output in runtime.run(feed))


@pytest.mark.parametrize(
    "write_one",
    [
        write_product,
        write_matrix_times_vector,
        write_attention,
        write_leading_mean,
        write_convolution,
        write_transposed_convolution,
        write_shrinking,
        write_enlarger,
        write_mean_of_channels,
    ],
)
def test_network_on_any_number_of_cores_gives_the_same_bytes(
    tmp_path: Path, write_one: Callable[[Path], Path]
) -> None:
    path = write_one(tmp_path / "net.onnx")
    one, *more = (answer(path, cores) for cores in CORES)
    assert more == [one, one]


def write_deep_recogniser(path: Path) -> Path:
    """A face as 512 numbers, by channels that are no block and a last layer that is no list."""
    constants = {"weights": noise(503, 3, 3, 3), "last": noise(512, 503 * 4), "means": noise(512)}
    nodes = [
        helper.make_node("Conv", ["input", "weights"], ["deep"], strides=[56, 56]),
        helper.make_node("Flatten", ["deep"], ["flat"]),
        helper.make_node("Gemm", ["flat", "last", "means"], ["output"], transB=1),
    ]
    inputs: Ports = {"input": (FLOAT, [1, 3, 112, 112])}
    outputs: Ports = {"output": (FLOAT, [1, 512])}
    return write_graph(path, nodes, constants, inputs=inputs, outputs=outputs)


def test_embedding_and_its_bridge_on_any_number_of_cores_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser = write_deep_recogniser(tmp_path / "recogniser.onnx")
    bridge = write_product(tmp_path / "bridge.onnx")
    crop: Pixels = np.random.default_rng(1).integers(0, 256, (112, 112, 3), np.uint8)
    found = []
    for cores in CORES:
        monkeypatch.setenv("STUDIO_THREADS", str(cores))
        monkeypatch.setenv("STUDIO_DEVICE", "cpu")
        embedding = embed(load(recogniser, catalogue_contract("arcface-w600k-r50")), crop)
        contract = catalogue_contract("crossface-ghost").model_copy(update={"input_name": None})
        found.append(cross_bridge(load(bridge, contract), embedding).tobytes())
    assert found[1:] == [found[0]] * 2


def threads(path: Path) -> int:
    return int(opened(path, 5)._session.get_session_options().intra_op_num_threads)


@pytest.mark.parametrize(
    "write_one",
    [
        write_product,
        write_attention,
        write_leading_mean,
        write_convolution,
        lambda path: write_swapper(path, size_px=8),
        lambda path: write_convolution(path, made=512, taken=8, group=64),
    ],
)
def test_network_that_may_add_by_the_number_of_its_threads_has_always_as_many(
    tmp_path: Path, write_one: Callable[[Path], Path]
) -> None:
    assert threads(write_one(tmp_path / "net.onnx")) == STEADY_THREADS


@in_blocks
@pytest.mark.parametrize(
    "write_one",
    [
        write_enlarger,
        write_mean_of_channels,
        lambda path: write_convolution(path, made=3, taken=64),
        lambda path: write_convolution(path, made=64, taken=1, group=64),
        write_shrinking,
    ],
)
def test_network_of_convolutions_in_blocks_has_the_threads_that_are_set(
    tmp_path: Path, write_one: Callable[[Path], Path]
) -> None:
    assert threads(write_one(tmp_path / "net.onnx")) == 5


def _with_weights_that_a_caller_may_give(model: onnx.ModelProto) -> None:
    weights = model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info(weights.name, FLOAT, weights.dims))


def _with_an_operation_of_somebody_else(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.example"


def _with_no_groups_at_all(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("group", 0))


def _with_weights_in_a_variable(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].name = "elsewhere"


@in_blocks
@pytest.mark.parametrize(
    "change",
    [
        _with_weights_that_a_caller_may_give,
        _with_an_operation_of_somebody_else,
        _with_no_groups_at_all,
        _with_weights_in_a_variable,
    ],
)
def test_is_steady_believes_constant_weights_and_known_operations_alone(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None]
) -> None:
    path = write_enlarger(tmp_path / "net.onnx")
    model = onnx.load(path)
    assert is_steady(model.SerializeToString())
    change(model)
    assert not is_steady(model.SerializeToString())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_is_steady_of_a_file_that_breaks_off_is_false(tmp_path: Path, share: float) -> None:
    whole = write_enlarger(tmp_path / "net.onnx").read_bytes()
    assert not is_steady(b"\xff" * 100 + whole)
    assert not is_steady(whole[: int(len(whole) * share)] + b"\xff")
