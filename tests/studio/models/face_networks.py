"""Tiny networks with the signatures of real face networks, built on the spot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from studio.models.cache import Model
from studio.models.contracts import Contract
from studio.models.runtimes import load_runtime
from studio.settings import Settings
from tests.studio.models.weight_factories import make_file, make_model

FLOAT, HALF, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
Ports = Mapping[str, tuple[int, Sequence[int]]]


def write_graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, np.ndarray[Any, Any]],
    *,
    inputs: Ports,
    outputs: Ports,
) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(name, *port) for name, port in inputs.items()],
        [helper.make_tensor_value_info(name, *port) for name, port in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def write_swapper(
    path: Path,
    *,
    size_px: int,
    has_mask: bool = False,
    matrix: np.ndarray[Any, Any] | None = None,
    matrix_name: str = "buff2fs",
    kind: int = FLOAT,
) -> Path:
    """``target`` plus the first three numbers of ``source``, one a channel.

    ``matrix`` is stored, and no node uses it, as in InSwapper.
    """
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    constants: dict[str, np.ndarray[Any, Any]] = {
        "pick": np.eye(512, 3).astype(dtype),
        "shape": np.array([1, 3, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("MatMul", ["source", "pick"], ["three"]),
        helper.make_node("Reshape", ["three", "shape"], ["shift"]),
        helper.make_node("Add", ["target", "shift"], ["output"]),
    ]
    outputs = {"output": (kind, [1, 3, size_px, size_px])}
    if has_mask:
        constants["half"] = np.full((1, 1, size_px, size_px), 0.5, dtype)
        nodes.append(helper.make_node("Identity", ["half"], ["mask"]))
        outputs["mask"] = (kind, [1, 1, size_px, size_px])
    if matrix is not None:
        constants[matrix_name] = matrix
    inputs = {"target": (kind, [1, 3, size_px, size_px]), "source": (kind, [1, 512])}
    return write_graph(path, nodes, constants, inputs=inputs, outputs=outputs)


def write_recogniser(path: Path, *, input_name: str = "input", gain: float = 10) -> Path:
    """The mean of each channel in the first three of 512 numbers, times ``gain``."""
    nodes = [
        helper.make_node("ReduceMean", [input_name], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "spread"], ["embedding"]),
    ]
    return write_graph(
        path,
        nodes,
        {"spread": np.float32(gain) * np.eye(3, 512, dtype=np.float32)},
        inputs={input_name: (FLOAT, [1, 3, 112, 112])},
        outputs={"embedding": (FLOAT, [1, 512])},
    )


def write_bridge(path: Path) -> Path:
    """Turns an embedding round."""
    nodes = [helper.make_node("Neg", ["input"], ["output"])]
    port = {"input": (FLOAT, [1, 512])}
    return write_graph(path, nodes, {}, inputs=port, outputs={"output": (FLOAT, [1, 512])})


def write_restorer(path: Path, *, input_name: str = "input", has_weight: bool = False) -> Path:
    """The negative of the face; with a ``weight``, ``float64 (1,)``, the face times it."""
    face = {input_name: (FLOAT, [1, 3, 512, 512])}
    outputs = {"output": (FLOAT, [1, 3, 512, 512])}
    if not has_weight:
        nodes = [helper.make_node("Neg", [input_name], ["output"])]
        return write_graph(path, nodes, {}, inputs=face, outputs=outputs)
    nodes = [
        helper.make_node("Cast", ["weight"], ["share"], to=FLOAT),
        helper.make_node("Mul", [input_name, "share"], ["output"]),
    ]
    inputs = {**face, "weight": (DOUBLE, [1])}
    return write_graph(path, nodes, {}, inputs=inputs, outputs=outputs)


def write_occluder(path: Path) -> Path:
    """The first channel, which is blue, of an NHWC picture."""
    constants = {
        name: np.array([value], np.int64) for name, value in (("from", 0), ("to", 1), ("axis", 3))
    }
    nodes = [helper.make_node("Slice", ["in:0", "from", "to", "axis"], ["out:0"])]
    return write_graph(
        path,
        nodes,
        constants,
        inputs={"in:0": (FLOAT, [1, 256, 256, 3])},
        outputs={"out:0": (FLOAT, [1, 256, 256, 1])},
    )


def load(path: Path, contract: Contract, **fields: Any) -> Model:
    """The network as the cache would hand it out."""
    file = make_file(path.name)
    spec = make_model(file, contract=contract, **fields)
    return Model(spec, file, load_runtime(path, spec, file, Settings()))


def catalogue_contract(model_id: str) -> Contract:
    """What the catalogue says of a real model."""
    from studio.models.catalogue import load_catalogue

    return load_catalogue().get(model_id).contract
