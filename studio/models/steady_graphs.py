"""Which ONNX graphs ONNX Runtime computes to the same bytes with any number of threads.

It shares out a product of matrices by its columns or rows, and where a share begins decides how
what is left at its end is added up. So a sum may depend on the number of threads unless the
operation is on a list of those that were measured not to (ADR 28). What is not listed, or cannot be
read, is taken to depend on it.
"""

from __future__ import annotations

import mmap
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SHARED_BY_WHOLE_RESULTS = frozenset(
    """
    Abs Add And AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape
    DepthToSpace Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather GlobalAveragePool
    GlobalMaxPool Greater HardSigmoid HardSwish Identity InstanceNormalization LeakyRelu Less Log
    Max MaxPool Min Mul Neg Not Or PRelu Pad Pow Range Reciprocal Relu Reshape Resize Round Shape
    Sigmoid Slice Softmax Softplus SpaceToDepth Split Sqrt Squeeze Sub Tanh Tile Transpose
    Unsqueeze Upsample Where
    """.split()  # noqa: SIM905 — a list of as many strings is three times as long
)
"""Operations of which each number, row or channel is made by one thread from end to end."""

_CHANNELS_IN_A_BLOCK = (8, 16)
"""Of a convolution in blocks of channels, with 256 and with 512 bits."""
_CHANNELS_ALIGNED = 4
_HAS_BLOCKS = platform.machine() in ("x86_64", "AMD64")

_MOST_BITS = 64
# Numbers of fields in onnx.proto.
_MODEL_IR_VERSION, _MODEL_GRAPH = 1, 7
_GRAPH_NODE, _GRAPH_CONSTANT, _GRAPH_INPUT = 1, 5, 11
_NODE_INPUT, _NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 4, 5, 7
_ATTRIBUTE_INTEGER = 3
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME = 1, 2, 8
_NAME = 1
"""Of an attribute and of an input."""
_FLOAT = 1
"""Of the kinds of tensors, numbers of 32 bits."""
_FIRST_IR_WITH_VARIABLE_CONSTANTS = 4
"""From here on what is both constant and input may be given another value by a caller."""


def is_steady(graph: Path | bytes) -> bool:
    """Whether every operation of an ONNX model rounds alike on any number of threads.

    Reads the nodes and the shapes of constants alone, however large a file is; the library ``onnx``
    reads all weights for it, in thirty times as long and twice their memory.
    """
    try:
        found = _read(memoryview(graph if isinstance(graph, bytes) else _mapped(graph)))
        return all(_is_steady(op, node, found) for op, node in found.nodes)
    except (OSError, ValueError, IndexError):
        return False


@dataclass(slots=True)
class _Graph:
    """Nodes with their operations, shapes of float constants, and names of inputs."""

    ir_version: int = 0
    nodes: list[tuple[str, memoryview]] = field(default_factory=list)
    shapes: dict[str, list[int]] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)

    def constant_shape(self, name: str) -> list[int] | None:
        """None where it is computed, not of floats, or may be given by a caller."""
        is_variable = self.ir_version >= _FIRST_IR_WITH_VARIABLE_CONSTANTS and name in self.inputs
        return None if is_variable else self.shapes.get(name)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _read(model: memoryview) -> _Graph:
    graph = _Graph()
    for number, value in _fields(model):
        if number == _MODEL_IR_VERSION and isinstance(value, int):
            graph.ir_version = value
        elif number == _MODEL_GRAPH and not isinstance(value, int):
            _read_graph(value, graph)
    return graph


def _read_graph(data: memoryview, graph: _Graph) -> None:
    for number, value in _fields(data):
        if isinstance(value, int):
            continue
        if number == _GRAPH_NODE:
            graph.nodes.append((_operation(value), value))
        elif number == _GRAPH_CONSTANT:
            name, shape = _constant(value)
            if shape is not None:
                graph.shapes[name] = shape
        elif number == _GRAPH_INPUT:
            graph.inputs.update(_text(name) for key, name in _fields(value) if key == _NAME)


def _operation(node: memoryview) -> str:
    """Its type, with the domain in front where that is not ONNX's own."""
    texts = {key: value for key, value in _fields(node) if key in (_NODE_OP, _NODE_DOMAIN)}
    op, domain = _text(texts.get(_NODE_OP, 0)), _text(texts.get(_NODE_DOMAIN, 0))
    return op if domain in ("", "ai.onnx") else f"{domain}.{op}"


def _constant(tensor: memoryview) -> tuple[str, list[int] | None]:
    """Name and shape; None for the shape of what holds no floats of 32 bits."""
    name, shape, is_float = "", [], False
    for number, value in _fields(tensor):
        if number == _TENSOR_DIMS:
            shape += [value] if isinstance(value, int) else _integers(value)
        elif number == _TENSOR_TYPE:
            is_float = value == _FLOAT
        elif number == _TENSOR_NAME:
            name = _text(value)
    return name, shape if is_float else None


def _is_steady(op: str, node: memoryview, graph: _Graph) -> bool:
    if op == "Conv":
        return _HAS_BLOCKS and _is_in_blocks(node, graph)
    return op in _SHARED_BY_WHOLE_RESULTS


def _is_in_blocks(convolution: memoryview, graph: _Graph) -> bool:
    """Whether it is computed in blocks of channels, and not as a product of matrices.

    Source: ``nchwc_transformer.cc`` of ONNX Runtime, for either size of a block. Products of groups
    of one channel each were measured to be steady, too.
    """
    inputs = [_text(name) for key, name in _fields(convolution) if key == _NODE_INPUT]
    _, weights, *biases = inputs
    shape = graph.constant_shape(weights)
    if shape is None or len(shape) != 4:
        return False
    if any(name and graph.constant_shape(name) is None for name in biases):
        return False
    made, taken = shape[:2]
    groups = _groups(convolution)
    if groups == 1:
        return taken < min(_CHANNELS_IN_A_BLOCK) or taken % _CHANNELS_ALIGNED == 0
    if groups < 1:
        return False
    if taken == 1:
        return True
    block = max(_CHANNELS_IN_A_BLOCK)
    return made % block == 0 and taken % block == 0 and made % (groups * block) == 0


def _groups(convolution: memoryview) -> int:
    for number, value in _fields(convolution):
        if number == _NODE_ATTRIBUTE and not isinstance(value, int):
            attribute = dict(_fields(value))
            groups = attribute.get(_ATTRIBUTE_INTEGER)
            if _text(attribute.get(_NAME, 0)) == "group" and isinstance(groups, int):
                return groups
    return 1


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Numbers and values of a protobuf message's fields; numbers of fixed width as their bytes."""
    position = 0
    while position < len(message):
        key, position = _integer(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _integer(message, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _integer(message, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no protobuf field has kind {kind}")
        if position + length > len(message):
            raise ValueError("a field breaks off")
        yield key >> 3, message[position : position + length]
        position += length


def _integer(message: memoryview, position: int) -> tuple[int, int]:
    """A variable-length integer, and where it ends."""
    value = shift = 0
    while True:
        byte = message[position]
        if shift >= _MOST_BITS:
            raise ValueError("an integer has too many bytes")
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _integers(packed: memoryview) -> list[int]:
    found, position = [], 0
    while position < len(packed):
        value, position = _integer(packed, position)
        found.append(value)
    return found


def _text(value: memoryview | int) -> str:
    return "" if isinstance(value, int) else bytes(value).decode()
