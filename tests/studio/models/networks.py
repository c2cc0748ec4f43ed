"""Tiny networks with the signatures of real ones, built on the spot."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from studio.models.cache import Model
from studio.models.contracts import Contract, MattingContract
from studio.models.runtime import Array, Device, Precision
from tests.studio.models.weight_factories import make_file, make_model


class FakeRuntime:
    """Answers by a function of its only input, and counts the calls."""

    name = "fake"
    device = Device.CPU
    precision = Precision.FP32
    input_names = ("input",)

    def __init__(self, answer: Any = None, resident_bytes: int = 0) -> None:
        self.resident_bytes = resident_bytes
        self.calls: list[Array] = []
        self.interrupts = 0
        self._answer = answer

    def interrupt(self) -> None:
        self.interrupts += 1

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        (array,) = inputs.values()
        self.calls.append(array)
        return [self._answer(array)]


def model_of(runtime: Any, contract: Contract) -> Model:
    """A model as the cache would hand it out; its file enlarges by 2."""
    file = make_file()
    return Model(make_model(file, contract=contract), file, runtime)


def plain_matting(**fields: Any) -> MattingContract:
    """A contract that shows the network the picture as it is, at 8 × 8 px unless told."""
    plain: dict[str, Any] = {
        "size_px": (8, 8),
        "resample": "bilinear",
        "divide_by": 255,
        "mean": (0, 0, 0),
        "std": (1, 1, 1),
        "sigmoid": False,
        "min_max": False,
    }
    return MattingContract(**plain | fields)


def write_onnx(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, np.ndarray[Any, Any]],
    *,
    input_name: str = "input",
    outputs: Sequence[str] = ("output",),
    shape: Sequence[int | None] = (1, 3, None, None),
    kind: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(input_name, kind, shape)],
        [helper.make_tensor_value_info(name, kind, [None] * 4) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def write_mean_of_channels(path: Path, *, spare_outputs: int = 0, **options: Any) -> Path:
    """A matting signature: ``(1, 3, h, w)`` in, the mean of the channels out, last."""
    spare = [f"spare{index}" for index in range(spare_outputs)]
    nodes = [helper.make_node("Conv", ["input", "weight"], ["output"], kernel_shape=[1, 1])]
    nodes += [helper.make_node("Neg", ["output"], [name]) for name in spare]
    weight = np.full((1, 3, 1, 1), 1 / 3, np.float32)
    return write_onnx(path, nodes, {"weight": weight}, outputs=[*spare, "output"], **options)


def write_enlarger(path: Path, *, layers: int = 2, seed: int = 0) -> Path:
    """A super-resolution signature: 3x3 convolutions, then a pixel shuffle by 2."""
    chance = np.random.default_rng(seed)
    nodes, constants, blob = [], {}, "input"
    for index in range(layers):
        shape = (12, 3 if index == 0 else 12, 3, 3)
        constants[f"weight{index}"] = (
            chance.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        ).astype(np.float32)
        nodes.append(
            helper.make_node("Conv", [blob, f"weight{index}"], [f"blob{index}"], pads=[1] * 4)
        )
        blob = f"blob{index}"
    constants["middle"] = np.array([0.5], np.float32)
    nodes.append(helper.make_node("Add", [blob, "middle"], ["shifted"]))
    nodes.append(helper.make_node("DepthToSpace", ["shifted"], ["output"], blocksize=2, mode="CRD"))
    return write_onnx(path, nodes, constants)


NCNN_NET = """7767517
14 17
Input            in     0 1 data
Split            split  1 2 data data_a data_b
Convolution      first  1 1 data_a wide 0=8 1=3 4=1 5=1 6=216
PReLU            bend   1 1 wide bent 0=8
Split            fork   1 2 bent bent_a bent_b
Convolution      leaky  1 1 bent_a narrow 0=4 1=3 4=1 5=1 6=288 9=2 -23310=1,2.000000e-01
Concat           join   2 1 bent_b narrow joined 0=0
Convolution      last   1 1 joined deep 0=48 1=3 4=1 5=1 6=5184
PixelShuffle     open   1 1 deep detail 0=4
Interp           grow   1 1 data_b base 0=1 1=4.000000e+00 2=4.000000e+00
Split            twice  1 2 base base_a base_b
Eltwise          mix    2 1 detail base_a mixed 0=1 -23301=2,2.000000e-01,1.000000e+00
BinaryOp         plus   2 1 mixed base_b big 0=0
Interp           shrink 1 1 big output 0=3 1={factor} 2={factor}
"""
"""Every layer type of the Real-ESRGAN nets."""


def write_ncnn(folder: Path, *, factor: float = 0.75, graph: str = NCNN_NET) -> tuple[Path, Path]:
    """``NCNN_NET`` with random weights, stored as float16 and float32 in turn."""
    chance = np.random.default_rng(7)
    data = b""
    for index, (outputs, count) in enumerate([(8, 216), (4, 288), (48, 5184)]):
        values = chance.normal(size=count) * 0.1
        is_half = index % 2 == 0
        data += struct.pack("<I", 0x01306B47 if is_half else 0)
        data += values.astype("<f2" if is_half else "<f4").tobytes()
        data += (chance.normal(size=outputs) * 0.1).astype("<f4").tobytes()
        if index == 0:
            data += np.linspace(-0.2, 0.4, 8).astype("<f4").tobytes()
    param, weights = folder / "net.param", folder / "net.bin"
    param.write_text(graph.format(factor=factor), encoding="ascii")
    weights.write_bytes(data)
    return param, weights
