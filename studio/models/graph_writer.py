"""Writing ONNX graphs node by node, with the same bytes for the same calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Attribute = int | float | str | list[int]
Shape = Sequence[int | None]

PICTURE: Shape = (1, 3, None, None)
"""The shape of a network's picture, NCHW of any size."""

_OPSET = 17
_IR_VERSION = 8


class GraphWriter:
    """Collects the nodes and constants of a graph, then makes the model of them."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Store ``values`` and return their name."""
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Append a node that reads ``inputs`` and return its output's name."""
        node = helper.make_node(op, list(inputs), [output], name=output)
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self._nodes.append(node)
        return output

    def model(
        self,
        origin: str,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, Shape],
        *,
        output_type: int = TensorProto.FLOAT,
    ) -> onnx.ModelProto:
        """The graph, called after its ``origin``; inputs are float32."""
        graph = helper.make_graph(
            self._nodes,
            f"converted-from-{origin}",
            [_value(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [_value(name, output_type, shape) for name, shape in outputs.items()],
            self._constants,
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="darkroom",
        )


def _value(name: str, kind: int, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


def save(model: onnx.ModelProto, out_path: Path) -> None:
    """Check ``model`` and write it."""
    onnx.checker.check_model(model, full_check=True)
    out_path.write_bytes(model.SerializeToString(deterministic=True))
