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

_FLOAT, _INT32, _UINT8 = 1, 3, 4


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


def write_lapsrn(path: Path, *, gains: Sequence[float], is_largest_last: bool) -> Path:
    """Luma doubled once a gain and multiplied by it, with an end for every size on the way.

    The ends are called NCHW_output_2x, _4x, ... and the largest NCHW_output as well.
    """
    floats, nhwc = {"T": _type(_FLOAT)}, {"data_format": _text("NHWC")}
    shape = _shape([-1, -1, -1, 1])
    ones = _integers([1, 1, 1, 1])
    convolution = {**floats, **nhwc, "strides": ones, "dilations": ones, "padding": _text("SAME")}
    block = {**floats, **nhwc, "block_size": _varint_field(3, 2)}
    nodes = [_node("IteratorGetNext", "Placeholder", [], {"dtype": _type(_FLOAT), "shape": shape})]
    ends, blob = [], "IteratorGetNext"
    for index, gain in enumerate(gains):
        kernel = np.full((1, 1, 1, 4), gain, np.float32)
        nodes.append(_constant(f"kernel{index}", kernel, _FLOAT))
        nodes.append(_node(f"conv{index}", "Conv2D", [blob, f"kernel{index}"], convolution))
        blob = f"level{index}"
        nodes.append(_node(blob, "DepthToSpace", [f"conv{index}"], block))
        ends.append((blob, f"NCHW_output_{2 << index}x"))
    ends.append((blob, "NCHW_output"))
    for blob, name in ends if is_largest_last else reversed(ends):
        nodes.append(_constant(f"{name}/perm", np.array([0, 3, 1, 2], np.int32), _INT32))
        turned = {**floats, "Tperm": _type(_INT32)}
        nodes.append(_node(name, "Transpose", [blob, f"{name}/perm"], turned))
    path.write_bytes(b"".join(_bytes_field(1, node) for node in nodes))
    return path


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


class DctNet:
    """The graph that ModelScope's exporter freezes for DCT-Net, with fewer channels.

    Nodes in the exporter's order: a picture without batch axis, scaled inside, the UNet of
    White-box Cartoonization, its guided filter of radius 1, clipping, a cast to uint8. With
    ``is_old`` leaky rectifiers and sums are written as TensorFlow did before it had them.
    """

    def __init__(self, *, channels: int = 4, is_old: bool = False, seed: int = 1) -> None:
        self.weights: dict[str, np.ndarray[Any, Any]] = {}
        self._is_old = is_old
        self._channels = channels
        self._chance = np.random.default_rng(seed)
        self._nodes: list[bytes] = []
        self._build()

    def write(self, path: Path) -> Path:
        path.write_bytes(b"".join(_bytes_field(1, node) for node in self._nodes))
        return path

    def _build(self) -> None:
        dtype = {"dtype": _type(_FLOAT), "shape": _shape([-1, -1, 3])}
        picture = self._add("input_image", "Placeholder", [], dtype)
        picture = self._slice("strided_slice", picture, 3, {"begin_mask": 7, "end_mask": 7})
        picture = self._slice("strided_slice_1", picture, 1, {"new_axis_mask": 1})
        picture = self._sum("truediv", "RealDiv", picture, self._const("y", 127.5))
        picture = self._sum("sub", "Sub", picture, self._const("sub/y", 1.0))
        drawn = self._unet(picture)
        drawn = self._guided(picture, drawn)
        drawn = self._slice("strided_slice_9", drawn, 1, {"shrink_axis_mask": 1}, end=1)
        for op, limit in (("Minimum", 0.999999), ("Maximum", -0.999999)):
            drawn = self._sum(f"clip_by_value/{op}", op, drawn, self._const(f"clip/{op}", limit))
        drawn = self._sum("add", self._plus, drawn, self._const("add/y", 1.0))
        drawn = self._sum("mul", "Mul", drawn, self._const("mul/y", 127.5))
        types = {"SrcT": _type(_FLOAT), "DstT": _type(_UINT8)}
        self._add("output_image", "Cast", [drawn], types)

    @property
    def _plus(self) -> str:
        return "Add" if self._is_old else "AddV2"

    def _unet(self, picture: str) -> str:
        c = self._channels
        x0 = self._leak(self._conv("Conv", picture, 3, c, size=7))
        x1 = self._leak(self._conv("Conv_1", x0, c, c, stride=2))
        x1 = self._leak(self._conv("Conv_2", x1, c, 2 * c))
        x2 = self._leak(self._conv("Conv_3", x1, 2 * c, 2 * c, stride=2))
        x2 = self._leak(self._conv("Conv_4", x2, 2 * c, 4 * c))
        inner = self._leak(self._conv("block_0/conv1", x2, 4 * c, 4 * c))
        inner = self._conv("block_0/conv2", inner, 4 * c, 4 * c)
        x2 = self._sum("block_0/add", self._plus, inner, x2)
        x2 = self._leak(self._conv("Conv_5", x2, 4 * c, 2 * c))
        x3 = self._sum("add_x1", self._plus, self._double("Resize", x2), x1)
        x3 = self._leak(self._conv("Conv_6", x3, 2 * c, 2 * c))
        x3 = self._leak(self._conv("Conv_7", x3, 2 * c, c))
        x4 = self._sum("add_x0", self._plus, self._double("Resize_1", x3), x0)
        x4 = self._leak(self._conv("Conv_8", x4, c, c))
        return self._conv("Conv_9", x4, c, 3, size=7)

    def _guided(self, x: str, y: str) -> str:
        sides = [self._side("ones", x, axis) for axis in (1, 2)]
        one, channels = (self._const(f"ones/{key}", 1, _INT32) for key in ("first", "last"))
        sizes = self._pack("ones/packed", [one, *sides, channels])
        value = self._const("ones/Const", 1.0)
        ones = self._add("ones", "Fill", [sizes, value], {"T": _type(_FLOAT)})
        count = self._box("count", ones, channels=1)

        def mean(name: str, of: str) -> str:
            return self._sum(f"{name}/mean", "RealDiv", self._box(name, of), count)

        mean_x, mean_y = mean("x", x), mean("y_drawn", y)
        xy = mean("xy", self._sum("xy/mul", "Mul", x, y))
        xx = mean("xx", self._sum("xx/mul", "Mul", x, x))
        cov = self._sum("cov", "Sub", xy, self._sum("cov/mul", "Mul", mean_x, mean_y))
        var = self._sum("var", "Sub", xx, self._sum("var/mul", "Mul", mean_x, mean_x))
        var = self._sum("var/add", self._plus, var, self._const("eps", 0.01))
        gain = self._sum("gain", "RealDiv", cov, var)
        shift = self._sum("shift", "Sub", mean_y, self._sum("shift/mul", "Mul", gain, mean_x))
        scaled = self._sum("final/mul", "Mul", mean("gain_box", gain), x)
        return self._sum("final", self._plus, scaled, mean("shift_box", shift))

    def _conv(
        self, name: str, blob: str, inputs: int, outputs: int, *, size: int = 3, stride: int = 1
    ) -> str:
        gain = 1.2 / (size * size * inputs) ** 0.5
        kernel = self._chance.normal(0, gain, (size, size, inputs, outputs)).astype(np.float32)
        bias = self._chance.normal(0, 0.1, outputs).astype(np.float32)
        self.weights |= {f"{name}/weights": kernel, f"{name}/biases": bias}
        names = []
        for key in ("weights", "biases"):
            values = self.weights[f"{name}/{key}"]
            self._nodes.append(_constant(f"{name}/{key}", values, _FLOAT))
            read = self._add(f"{name}/{key}/read", "Identity", [f"{name}/{key}"], self._floats())
            names.append(read)
        attributes = {
            **self._floats(),
            "data_format": _text("NHWC"),
            "strides": _integers([1, stride, stride, 1]),
            "dilations": _integers([1, 1, 1, 1]),
            "padding": _text("SAME"),
        }
        filtered = self._add(f"{name}/Conv2D", "Conv2D", [blob, names[0]], attributes)
        nhwc = {**self._floats(), "data_format": _text("NHWC")}
        return self._add(f"{name}/BiasAdd", "BiasAdd", [filtered, names[1]], nhwc)

    def _leak(self, blob: str) -> str:
        if self._is_old:
            slope = self._const(f"{blob}/alpha", 0.2)
            scaled = self._sum(f"{blob}/LeakyRelu/mul", "Mul", slope, blob)
            return self._sum(f"{blob}/LeakyRelu", "Maximum", scaled, blob)
        attributes = {**self._floats(), "alpha": _float_field(4, 0.2)}
        return self._add(f"{blob}/LeakyRelu", "LeakyRelu", [blob], attributes)

    def _double(self, name: str, blob: str) -> str:
        sides = []
        for axis in (1, 2):
            side = self._side(name, blob, axis)
            two = self._const(f"{name}/{axis}/two", 2, _INT32)
            sides.append(self._add(f"{name}/{axis}/mul", "Mul", [side, two], {"T": _type(_INT32)}))
        sizes = self._pack(f"{name}/size", sides)
        attributes = {**self._floats(), "align_corners": _varint_field(5, 0)}
        return self._add(name + "Bilinear", "ResizeBilinear", [blob, sizes], attributes)

    def _side(self, name: str, blob: str, axis: int) -> str:
        types = {**self._floats(), "out_type": _type(_INT32)}
        shape = self._add(f"{name}/Shape_{axis}", "Shape", [blob], types)
        masks = {"shrink_axis_mask": 1}
        return self._slice(f"{name}/side_{axis}", shape, 1, masks, begin=axis, end=axis + 1)

    def _box(self, name: str, blob: str, *, channels: int = 3) -> str:
        kernel = np.full((3, 3, channels, 1), 1 / 9, np.float32)
        self._nodes.append(_constant(f"{name}/box", kernel, _FLOAT))
        attributes = {
            **self._floats(),
            "data_format": _text("NHWC"),
            "strides": _integers([1, 1, 1, 1]),
            "padding": _text("SAME"),
        }
        inputs = [blob, f"{name}/box"]
        return self._add(f"{name}/depthwise", "DepthwiseConv2dNative", inputs, attributes)

    def _slice(
        self,
        name: str,
        blob: str,
        count: int,
        masks: Mapping[str, int],
        *,
        begin: int = 0,
        end: int = 0,
    ) -> str:
        rows = {"stack": begin, "stack_1": end, "stack_2": 1}
        names = []
        for key, value in rows.items():
            row = np.full(count, value, np.int32)
            self._nodes.append(_constant(f"{name}/{key}", row, _INT32))
            names.append(f"{name}/{key}")
        kinds = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
        values = {f"{kind}_mask": 0 for kind in kinds} | dict(masks)
        fields = {key: _varint_field(3, value) for key, value in values.items()}
        return self._add(name, "StridedSlice", [blob, *names], fields)

    def _pack(self, name: str, parts: Sequence[str]) -> str:
        count = _varint_field(3, len(parts))
        attributes = {"T": _type(_INT32), "axis": _varint_field(3, 0), "N": count}
        return self._add(name, "Pack", parts, attributes)

    def _const(self, name: str, value: float, kind: int = _FLOAT) -> str:
        values = np.array(value, np.float32 if kind == _FLOAT else np.int32)
        self._nodes.append(_constant(name, values, kind))
        return name

    def _sum(self, name: str, op: str, one: str, other: str) -> str:
        return self._add(name, op, [one, other], self._floats())

    def _floats(self) -> dict[str, bytes]:
        return {"T": _type(_FLOAT)}

    def _add(
        self, name: str, op: str, inputs: Sequence[str], attributes: Mapping[str, bytes]
    ) -> str:
        self._nodes.append(_node(name, op, inputs, attributes))
        return name


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


def _float_field(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


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
