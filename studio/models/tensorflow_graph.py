"""Reader of frozen TensorFlow graphs (``.pb``), without TensorFlow.

Its message classes come with TensorFlow alone, so the few fields that a frozen graph uses are
described here. Numbers: ``tensorflow/core/framework/{graph,node_def,attr_value,tensor,
tensor_shape}.proto``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import (  # type: ignore[import-untyped]  # ships no types
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from studio.errors import WeightError
from studio.models.runtime import Array
from studio.words import msg

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "darkroom.tensorflow"
_TEXT, _BYTES, _WHOLE = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_INT64
_MANY, _ONE = _Field.LABEL_REPEATED, _Field.LABEL_OPTIONAL
_MESSAGES: Mapping[str, tuple[tuple[str, int, int, int | str], ...]] = {
    "Graph": (("node", 1, _MANY, "Node"),),
    "Node": (
        ("name", 1, _ONE, _TEXT),
        ("op", 2, _ONE, _TEXT),
        ("input", 3, _MANY, _TEXT),
        ("attribute", 5, _MANY, "Entry"),
    ),
    "Entry": (("key", 1, _ONE, _TEXT), ("value", 2, _ONE, "Value")),
    "Value": (
        ("items", 1, _ONE, "List"),
        ("text", 2, _ONE, _BYTES),
        ("whole", 3, _ONE, _WHOLE),
        ("number", 4, _ONE, _Field.TYPE_FLOAT),
        ("flag", 5, _ONE, _Field.TYPE_BOOL),
        ("type", 6, _ONE, _Field.TYPE_INT32),
        ("tensor", 8, _ONE, "Tensor"),
    ),
    "List": (("whole", 3, _MANY, _WHOLE),),
    "Tensor": (
        ("type", 1, _ONE, _Field.TYPE_INT32),
        ("shape", 2, _ONE, "Shape"),
        ("content", 4, _ONE, _BYTES),
        ("float32", 5, _MANY, _Field.TYPE_FLOAT),
        ("int32", 7, _MANY, _Field.TYPE_INT32),
        ("int64", 10, _MANY, _WHOLE),
    ),
    "Shape": (("sides", 2, _MANY, "Side"),),
    "Side": (("size", 1, _ONE, _WHOLE),),
}

FLOAT, INT32, UINT8, INT64 = 1, 3, 4, 9
"""TensorFlow's numbers of element types."""
_TYPES: Mapping[int, str] = {FLOAT: "float32", INT32: "int32", INT64: "int64"}


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes:
        name: unique in the graph; also that of its first output.
        op: TensorFlow's name of the operation.
        inputs: names of the nodes it reads, in order; each gives its first output.
        attributes: whole numbers, numbers, texts, flags, lists and arrays by name; element
            types as TensorFlow's numbers.

    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


def read_graph(path: Path) -> list[Node]:
    """The nodes of a frozen graph, each after those it reads.

    Raises:
        WeightError: ``weight.conversion``, the file is no such graph.

    """
    graph = _classes()["Graph"]()
    try:
        graph.ParseFromString(path.read_bytes())
        nodes = [_node(message) for message in graph.node]
    except (DecodeError, ValueError, UnicodeDecodeError) as error:
        raise _refusal(path) from error
    if not any(node.op == "Placeholder" for node in nodes):
        raise _refusal(path)
    return _in_order(path, nodes)


def _in_order(path: Path, nodes: list[Node]) -> list[Node]:
    by_name = {node.name: node for node in nodes}
    try:
        order = TopologicalSorter({node.name: node.inputs for node in nodes}).static_order()
        return [by_name[name] for name in order]
    except (CycleError, KeyError) as error:
        raise _refusal(path) from error


def _refusal(path: Path) -> WeightError:
    return WeightError(
        msg("{name} is not a frozen TensorFlow graph.", name=path.name), code="weight.conversion"
    )


@lru_cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="darkroom/tensorflow.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, number, label, kind in fields:
            if isinstance(kind, str):
                kind_name = f".{_PACKAGE}.{kind}"
                message.field.add(
                    name=field_name,
                    number=number,
                    label=label,
                    type=_Field.TYPE_MESSAGE,
                    type_name=kind_name,
                )
            else:
                message.field.add(name=field_name, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _node(message: Any) -> Node:  # noqa: ANN401  # a class made on the spot
    # A caret marks an input that only has to run before; in a frozen graph nothing does.
    inputs = [name.removesuffix(":0") for name in message.input if not name.startswith("^")]
    attributes = {entry.key: _value(entry.value) for entry in message.attribute}
    return Node(message.name, message.op, tuple(inputs), attributes)


def _value(message: Any) -> Any:  # noqa: ANN401  # a class made on the spot
    if message.HasField("tensor"):
        return _array(message.tensor)
    if message.HasField("items"):
        return list(message.items.whole)
    if message.HasField("text"):
        return message.text.decode()
    for name in ("whole", "number", "flag", "type"):
        if message.HasField(name):
            return getattr(message, name)
    return None


def _array(tensor: Any) -> Array:  # noqa: ANN401  # a class made on the spot
    """A constant; one that repeats a single number may be stored as that number."""
    sizes = [side.size for side in tensor.shape.sides]
    if tensor.type not in _TYPES:
        raise ValueError(f"element type {tensor.type}")
    kind = _TYPES[tensor.type]
    if tensor.content:
        flat = np.frombuffer(tensor.content, np.dtype(kind).newbyteorder("<")).astype(kind)
    else:
        flat = np.array(getattr(tensor, kind), kind)
    if flat.size == 1:
        return np.full(sizes, flat[0])
    if flat.size != prod(sizes):
        raise ValueError("a constant has another size than stated")
    return flat.reshape(sizes)
