"""ONNX graphs from frozen TensorFlow graphs, for picture-to-picture networks.

Tensors keep TensorFlow's axes, channels last; convolutions and resizing are turned to ONNX's
order and back, and ONNX Runtime removes the turns that meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from onnx import TensorProto

from studio.errors import WeightError
from studio.models.graph_writer import GraphWriter, save
from studio.models.runtime import Array
from studio.models.tensorflow_graph import FLOAT, INT32, INT64, UINT8, Node, read_graph
from studio.words import Message, msg

_ONNX_TYPES = {
    FLOAT: TensorProto.FLOAT,
    INT32: TensorProto.INT32,
    UINT8: TensorProto.UINT8,
    INT64: TensorProto.INT64,
}
_PICTURE = (None, None, 3)
"""Height, width, channels."""
_OUTPUT = "output"
_DEFAULT_SLOPE = 0.2
_FAR = 2**31 - 1
"""A place beyond every axis."""


def tensorflow_to_onnx(graph_path: Path, out_path: Path) -> None:
    """Write a frozen graph as ONNX.

    Its one placeholder takes ``float32 (H, W, 3)``; its output is what no other node reads,
    of the same shape, ``uint8`` where the graph ends in such a cast.

    Raises:
        WeightError: ``weight.conversion``, naming the node that cannot be converted.

    """
    nodes = read_graph(graph_path)
    last = _last(nodes)
    writer = _TensorflowWriter()
    for node in nodes:
        if node.op == "Const":
            writer.fix(node.name, node.attributes["value"])
            continue
        write = _WRITERS.get(node.op)
        if write is None:
            raise refusal(node, msg("no ONNX form is known for this operation"))
        try:
            write(writer, node)
        except (KeyError, IndexError, ValueError) as error:
            raise refusal(
                node, msg("{error} is missing or has another form", error=str(error))
            ) from error
    writer.node("Identity", [writer.blob(last.name)], _OUTPUT)
    kind = last.attributes.get("DstT", FLOAT) if last.op == "Cast" else FLOAT
    ports = {writer.input: _PICTURE}, {_OUTPUT: _PICTURE}
    save(writer.model("tensorflow", *ports, output_type=_ONNX_TYPES[kind]), out_path)


def refusal(node: Node, reason: Message) -> WeightError:
    """The error that says which node cannot be converted, and why."""
    return WeightError(
        msg(
            "The TensorFlow node {name} of type {op} cannot be converted: {reason}.",
            name=node.name,
            op=node.op,
            reason=reason,
        ),
        code="weight.conversion",
    )


def _last(nodes: list[Node]) -> Node:
    """The node that gives the result."""
    read = {name for node in nodes for name in node.inputs}
    ends = [node for node in nodes if node.name not in read and node.op != "Const"]
    if len(ends) != 1:
        raise WeightError(
            msg("The TensorFlow graph has {ends} ends in place of one.", ends=len(ends)),
            code="weight.conversion",
        )
    return ends[0]


class _TensorflowWriter(GraphWriter):
    """Knows which tensors are constant, and stores those that ONNX nodes read."""

    def __init__(self) -> None:
        super().__init__()
        self.input = ""
        self._fixed: dict[str, Array] = {}
        self._alias: dict[str, str] = {}
        self._stored: set[str] = set()

    def fix(self, name: str, values: Array) -> None:
        """Let ``name`` be a constant."""
        self._fixed[name] = values

    def rename(self, name: str, original: str) -> None:
        """Let ``name`` mean ``original``."""
        self._alias[name] = self._alias.get(original, original)

    def fixed(self, name: str) -> Array:
        """The constant ``name``.

        Raises:
            KeyError: it is computed.

        """
        return self._fixed[self._alias.get(name, name)]

    def blob(self, name: str) -> str:
        """What the tensor ``name`` is called in the ONNX graph."""
        name = self._alias.get(name, name)
        if name in self._fixed and name not in self._stored:
            self.constant(name, self._fixed[name])
            self._stored.add(name)
        return name

    def numbers(self, name: str, values: list[int]) -> str:
        """Whole numbers that only the ONNX form of a node needs."""
        return self.constant(name, np.array(values, np.int64))

    def channels_first(self, name: str, node: Node) -> str:
        """The picture ``name`` as ONNX orders it."""
        return self.node("Transpose", [self.blob(name)], f"{node.name}.first", perm=[0, 3, 1, 2])

    def channels_last(self, blob: str, node: Node) -> None:
        """``blob``, ONNX's order, as the output of ``node``."""
        self.node("Transpose", [blob], node.name, perm=[0, 2, 3, 1])


def _write_placeholder(writer: _TensorflowWriter, node: Node) -> None:
    if writer.input:
        raise refusal(node, msg("the graph has a second placeholder"))
    writer.input = node.name


def _write_identity(writer: _TensorflowWriter, node: Node) -> None:
    writer.rename(node.name, node.inputs[0])


def _same(op: str) -> Callable[[_TensorflowWriter, Node], None]:
    """An operation that ONNX knows under the name ``op``, element by element."""

    def write(writer: _TensorflowWriter, node: Node) -> None:
        writer.node(op, [writer.blob(name) for name in node.inputs], node.name)

    return write


def _write_leaky(writer: _TensorflowWriter, node: Node) -> None:
    slope = node.attributes.get("alpha", _DEFAULT_SLOPE)
    writer.node("LeakyRelu", [writer.blob(node.inputs[0])], node.name, alpha=slope)


def _write_convolution(writer: _TensorflowWriter, node: Node) -> None:
    """``Conv2D``: kernel height, width, inputs, outputs."""
    _convolve(writer, node, writer.fixed(node.inputs[1]).transpose(3, 2, 0, 1), group=1)


def _write_depthwise(writer: _TensorflowWriter, node: Node) -> None:
    """``DepthwiseConv2dNative``: kernel height, width, inputs, outputs an input."""
    kernel = writer.fixed(node.inputs[1])
    height, width, inputs, outputs = kernel.shape
    turned = kernel.transpose(2, 3, 0, 1).reshape(inputs * outputs, 1, height, width)
    _convolve(writer, node, turned, group=inputs)


def _convolve(writer: _TensorflowWriter, node: Node, kernel: Array, *, group: int) -> None:
    _require_channels_last(node)
    padding = {"SAME": "SAME_UPPER", "VALID": "VALID"}[node.attributes["padding"]]
    picture = writer.channels_first(node.inputs[0], node)
    weight = writer.constant(f"{node.name}.kernel", kernel)
    output = writer.node(
        "Conv",
        [picture, weight],
        f"{node.name}.filtered",
        auto_pad=padding,
        kernel_shape=list(kernel.shape[2:]),
        strides=node.attributes["strides"][1:3],
        dilations=node.attributes.get("dilations", [1, 1, 1, 1])[1:3],
        group=group,
    )
    writer.channels_last(output, node)


def _require_channels_last(node: Node) -> None:
    if node.attributes.get("data_format", "NHWC") != "NHWC":
        raise refusal(node, msg("its channels come first"))


def _write_bias(writer: _TensorflowWriter, node: Node) -> None:
    _require_channels_last(node)
    writer.node("Add", [writer.blob(name) for name in node.inputs], node.name)


def _write_resize(writer: _TensorflowWriter, node: Node) -> None:
    """``ResizeBilinear``: picture, then height and width of the result."""
    picture = writer.channels_first(node.inputs[0], node)
    kept = writer.node("Shape", [picture], f"{node.name}.kept", start=0, end=2)
    sides = writer.node(
        "Cast", [writer.blob(node.inputs[1])], f"{node.name}.sides", to=TensorProto.INT64
    )
    sizes = writer.node("Concat", [kept, sides], f"{node.name}.sizes", axis=0)
    if node.attributes.get("half_pixel_centers"):
        places = "half_pixel"
    else:
        places = "align_corners" if node.attributes.get("align_corners") else "asymmetric"
    output = writer.node(
        "Resize",
        [picture, "", "", sizes],
        f"{node.name}.resized",
        mode="linear",
        coordinate_transformation_mode=places,
    )
    writer.channels_last(output, node)


def _write_shape(writer: _TensorflowWriter, node: Node) -> None:
    sizes = writer.node("Shape", [writer.blob(node.inputs[0])], f"{node.name}.sizes")
    kind = _ONNX_TYPES[node.attributes.get("out_type", INT32)]
    writer.node("Cast", [sizes], node.name, to=kind)


def _write_pack(writer: _TensorflowWriter, node: Node) -> None:
    axis = node.attributes.get("axis", 0)
    axes = writer.numbers(f"{node.name}.axes", [axis])
    parts = [
        writer.node("Unsqueeze", [writer.blob(name), axes], f"{node.name}.part{index}")
        for index, name in enumerate(node.inputs)
    ]
    writer.node("Concat", parts, node.name, axis=axis)


def _write_fill(writer: _TensorflowWriter, node: Node) -> None:
    sizes, value = (writer.blob(name) for name in node.inputs)
    sides = writer.node("Cast", [sizes], f"{node.name}.sides", to=TensorProto.INT64)
    writer.node("Expand", [value, sides], node.name)


def _write_expand(writer: _TensorflowWriter, node: Node) -> None:
    axes = writer.numbers(f"{node.name}.axes", [int(writer.fixed(node.inputs[1]))])
    writer.node("Unsqueeze", [writer.blob(node.inputs[0]), axes], node.name)


def _write_squeeze(writer: _TensorflowWriter, node: Node) -> None:
    axes = writer.numbers(f"{node.name}.axes", node.attributes["squeeze_dims"])
    writer.node("Squeeze", [writer.blob(node.inputs[0]), axes], node.name)


def _write_cast(writer: _TensorflowWriter, node: Node) -> None:
    kind = _ONNX_TYPES[node.attributes["DstT"]]
    writer.node("Cast", [writer.blob(node.inputs[0])], node.name, to=kind)


def _write_slice(writer: _TensorflowWriter, node: Node) -> None:
    """``StridedSlice``: Python's ``x[a:b:c, index, newaxis]`` by bit masks, one bit an entry."""
    begins, ends, steps = (writer.fixed(name).tolist() for name in node.inputs[1:4])
    if _mask(node, "ellipsis_mask"):
        raise refusal(node, msg("it has an ellipsis"))
    cuts: list[tuple[int, int, int, int]] = []
    dropped, added = [], []
    axis = place = 0
    for index, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        bit = 1 << index
        if _mask(node, "new_axis_mask") & bit:
            added.append(place)
            place += 1
            continue
        if _mask(node, "shrink_axis_mask") & bit:
            dropped.append(axis)
            # The element before the end has no place after it to stop at.
            cuts.append((axis, begin, begin + 1 if begin != -1 else _FAR, 1))
        else:
            starts_at = 0 if _mask(node, "begin_mask") & bit else begin
            stops_at = _FAR if _mask(node, "end_mask") & bit else end
            if (starts_at, stops_at, step) != (0, _FAR, 1):
                cuts.append((axis, starts_at, stops_at, step))
            place += 1
        axis += 1
    _cut(writer, node, cuts, dropped, added)


def _mask(node: Node, name: str) -> int:
    return int(node.attributes.get(name) or 0)


def _cut(
    writer: _TensorflowWriter,
    node: Node,
    cuts: list[tuple[int, int, int, int]],
    dropped: list[int],
    added: list[int],
) -> None:
    """Slice by ``cuts`` (axis, start, stop, step), then drop and add axes of length 1."""
    blob = writer.blob(node.inputs[0])
    if cuts:
        axes, starts, stops, steps = (list(column) for column in zip(*cuts, strict=True))
        columns = {"starts": starts, "stops": stops, "axes": axes, "steps": steps}
        names = [writer.numbers(f"{node.name}.{key}", value) for key, value in columns.items()]
        blob = writer.node("Slice", [blob, *names], f"{node.name}.cut")
    for op, axes in (("Squeeze", dropped), ("Unsqueeze", added)):
        if axes:
            name = writer.numbers(f"{node.name}.{op}", axes)
            blob = writer.node(op, [blob, name], f"{node.name}.{op}ed")
    writer.node("Identity", [blob], node.name)


_WRITERS: Mapping[str, Callable[[_TensorflowWriter, Node], None]] = {
    "Placeholder": _write_placeholder,
    "Identity": _write_identity,
    "Add": _same("Add"),
    "AddV2": _same("Add"),
    "Sub": _same("Sub"),
    "Mul": _same("Mul"),
    "RealDiv": _same("Div"),
    "Maximum": _same("Max"),
    "Minimum": _same("Min"),
    "Relu": _same("Relu"),
    "Tanh": _same("Tanh"),
    "LeakyRelu": _write_leaky,
    "Conv2D": _write_convolution,
    "DepthwiseConv2dNative": _write_depthwise,
    "BiasAdd": _write_bias,
    "ResizeBilinear": _write_resize,
    "Shape": _write_shape,
    "Pack": _write_pack,
    "Fill": _write_fill,
    "ExpandDims": _write_expand,
    "Squeeze": _write_squeeze,
    "StridedSlice": _write_slice,
    "Cast": _write_cast,
}
