"""Tiny TensorFlow graphs with the signatures ``dnn_superres`` expects.

The graphs are written field by field, because the protocol buffer classes of TensorFlow come
with TensorFlow alone. Field numbers: tensorflow/core/framework/{graph,node_def,attr_value,
tensor}.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_FLOAT, _INT32 = 1, 3


def write_espcn(path: Path, *, gain: float) -> Path:
    """Luma times ``gain``, each pixel repeated twice along both sides."""
    kernel = np.full((1, 1, 1, 4), gain, np.float32)
    return _write(path, kernel, channels=1)


def write_edsr(path: Path, *, gains: Sequence[float]) -> Path:
    """Each of B, G, R times its gain, each pixel repeated twice along both sides."""
    kernel = np.zeros((1, 1, 3, 12), np.float32)
    for place in range(4):
        for channel, gain in enumerate(gains):
            kernel[0, 0, channel, place * 3 + channel] = gain
    return _write(path, kernel, channels=3)


def _write(path: Path, kernel: np.ndarray[Any, Any], *, channels: int) -> Path:
    """Placeholder, convolution, depth to space, transposition to NCHW; NHWC throughout."""
    float_type, nhwc = {"T": _type(_FLOAT)}, {"data_format": _text("NHWC")}
    shape = _shape([-1, -1, -1, channels])
    nodes = [
        _node("IteratorGetNext", "Placeholder", [], {"dtype": _type(_FLOAT), "shape": shape}),
        _constant("kernel", kernel, _FLOAT),
        _node(
            "conv",
            "Conv2D",
            ["IteratorGetNext", "kernel"],
            {
                **float_type,
                **nhwc,
                "strides": _integers([1, 1, 1, 1]),
                "dilations": _integers([1, 1, 1, 1]),
                "padding": _text("SAME"),
            },
        ),
        _node(
            "shuffle",
            "DepthToSpace",
            ["conv"],
            {**float_type, **nhwc, "block_size": _varint_field(3, 2)},
        ),
        _constant("order", np.array([0, 3, 1, 2], np.int32), _INT32),
        _node(
            "NCHW_output",
            "Transpose",
            ["shuffle", "order"],
            {**float_type, "Tperm": _type(_INT32)},
        ),
    ]
    path.write_bytes(b"".join(_bytes_field(1, node) for node in nodes))
    return path


def _node(name: str, op: str, inputs: Sequence[str], attributes: Mapping[str, bytes]) -> bytes:
    message = _bytes_field(1, name.encode()) + _bytes_field(2, op.encode())
    message += b"".join(_bytes_field(3, each.encode()) for each in inputs)
    for key, value in attributes.items():
        entry = _bytes_field(1, key.encode()) + _bytes_field(2, value)
        message += _bytes_field(5, entry)
    return message


def _constant(name: str, values: np.ndarray[Any, Any], kind: int) -> bytes:
    shape = b"".join(_bytes_field(2, _varint_field(1, size)) for size in values.shape)
    tensor = _varint_field(1, kind) + _bytes_field(2, shape) + _bytes_field(4, values.tobytes())
    return _node(name, "Const", [], {"dtype": _type(kind), "value": _bytes_field(8, tensor)})


def _type(kind: int) -> bytes:
    return _varint_field(6, kind)


def _text(value: str) -> bytes:
    return _bytes_field(2, value.encode())


def _shape(sizes: Sequence[int]) -> bytes:
    dimensions = b"".join(_bytes_field(2, _varint_field(1, size)) for size in sizes)
    return _bytes_field(7, dimensions)


def _integers(values: Sequence[int]) -> bytes:
    return _bytes_field(1, b"".join(_varint_field(3, value) for value in values))


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def _bytes_field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    data = b""
    while value > 0x7F:
        data += struct.pack("B", value & 0x7F | 0x80)
        value >>= 7
    return data + struct.pack("B", value)
