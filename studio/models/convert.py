"""Converters run once after a pull: published files in, the served ONNX form out.

The bytes written depend on the input files alone, so a converted file has a digest too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types
from onnx import TensorProto, numpy_helper

from studio.errors import WeightError
from studio.models.graph_writer import PICTURE, Attribute, GraphWriter, save
from studio.models.ncnn_graph import Layer, Weights, read_ncnn, refusal
from studio.words import msg

_NEAREST, _CUBIC = 1, 3
_RELU, _LEAKY_RELU = 1, 2
_ELTWISE_SUM = 1
_COLOURS = 3
_LARGEST_STRIDE = 8


def ncnn_to_onnx(param_path: Path, bin_path: Path, out_path: Path) -> None:
    """Write an ncnn super-resolution net as a float32 ONNX graph.

    Input and output are float32 ``(1, 3, H, W)`` RGB in ``[0, 1]``; the output may overshoot
    slightly. Their names are those of the ncnn blobs.

    Raises:
        WeightError: ``weight.conversion``, naming the layer that cannot be converted.

    """
    layers = read_ncnn(param_path, bin_path)
    writer = _NcnnWriter()
    for layer in layers:
        write = _WRITERS.get(layer.kind)
        if write is None:
            raise refusal(layer, msg("no ONNX form is known for this type"))
        write(writer, layer)
    ports = {writer.input: PICTURE}, {layers[-1].outputs[0]: PICTURE}
    save(writer.model("ncnn", *ports), out_path)


def half_to_float(onnx_path: Path, out_path: Path) -> None:
    """Write a float16 ONNX graph as float32, with its first output alone.

    The further outputs of matting nets serve training; without them the branches that only
    feed them disappear too.

    Raises:
        WeightError: ``weight.conversion``, the file is not an ONNX graph.

    """
    try:
        model = onnx.load(onnx_path)
    except DecodeError as error:
        raise WeightError(
            msg("{name} is not an ONNX graph.", name=onnx_path.name), code="weight.conversion"
        ) from error
    graph = model.graph
    del graph.output[1:], graph.value_info[:]
    for value in (*graph.input, *graph.output):
        tensor_type = value.type.tensor_type
        tensor_type.elem_type = _widened_type(tensor_type.elem_type)
    for constant in graph.initializer:
        _widen(constant)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                _widen(attribute.t)
            elif node.op_type == "Cast" and attribute.name == "to":
                attribute.i = _widened_type(attribute.i)
    _keep_needed_nodes(graph)
    save(model, out_path)


def _widened_type(kind: int) -> int:
    return TensorProto.FLOAT if kind == TensorProto.FLOAT16 else kind


def _widen(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT16:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _keep_needed_nodes(graph: onnx.GraphProto) -> None:
    """Keep the nodes and constants the outputs depend on, each node after those it reads."""
    maker = {name: index for index, node in enumerate(graph.node) for name in node.output}
    sources: dict[int, list[int]] = {}
    waiting = [maker[value.name] for value in graph.output]
    while waiting:
        index = waiting.pop()
        if index not in sources:
            sources[index] = [maker[name] for name in graph.node[index].input if name in maker]
            waiting += sources[index]
    nodes = [graph.node[index] for index in TopologicalSorter(sources).static_order()]
    needed = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)


class _NcnnWriter(GraphWriter):
    """Knows what ncnn calls its blobs, followed through splits, and how far they are enlarged."""

    def __init__(self) -> None:
        super().__init__()
        self.input = ""
        self._alias: dict[str, str] = {}
        self._enlarged: dict[str, int] = {}

    def rename(self, blob: str, original: str) -> None:
        """Let ``blob`` mean ``original`` from here on."""
        self._alias[blob] = self.blob(original)

    def blob(self, name: str) -> str:
        """What the blob ``name`` is called in the ONNX graph."""
        return self._alias.get(name, name)

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """As in any graph; the output counts as large as the first input."""
        self._enlarged[output] = self.enlarged(inputs[0])
        return super().node(op, inputs, output, **attributes)

    def enlarge(self, name: str, factor: int) -> None:
        """Note that blob ``name`` is ``factor`` times the size of what it was made from."""
        self._enlarged[name] *= factor

    def enlarged(self, name: str) -> int:
        """A whole number that both sides of the blob ``name`` are multiples of."""
        return self._enlarged.get(name, 1)


def _write_input(writer: _NcnnWriter, layer: Layer) -> None:
    writer.input = layer.outputs[0]


def _write_split(writer: _NcnnWriter, layer: Layer) -> None:
    for output in layer.outputs:
        writer.rename(output, layer.inputs[0])


def _write_convolution(writer: _NcnnWriter, layer: Layer) -> None:
    names = [writer.blob(layer.inputs[0])]
    names += [writer.constant(f"{layer.name}.{key}", value) for key, value in layer.weights.items()]
    if _pair(layer, 3) != [1, 1]:
        raise refusal(layer, msg("it skips pixels"))
    activation = layer.whole(9)
    output = writer.node(
        "Conv",
        names,
        layer.outputs[0] if activation == 0 else f"{layer.name}.linear",
        kernel_shape=list(layer.weights["weight"].shape[2:]),
        dilations=_pair(layer, 2),
        pads=_pads(layer),
    )
    if activation == _RELU:
        writer.node("Relu", [output], layer.outputs[0])
    elif activation == _LEAKY_RELU:
        writer.node("LeakyRelu", [output], layer.outputs[0], alpha=layer.numbers(10)[0])
    elif activation != 0:
        raise refusal(layer, msg("activation {activation} is not known", activation=activation))


def _pair(layer: Layer, key: int) -> list[int]:
    """Height and width of a parameter whose height is ten keys above its width."""
    width = layer.whole(key, 1)
    return [layer.whole(key + 10, width), width]


def _pads(layer: Layer) -> list[int]:
    """Zero padding as ONNX orders it: top, left, bottom, right."""
    left = layer.whole(4)
    top = layer.whole(14, left)
    pads = [top, left, layer.whole(16, top), layer.whole(15, left)]
    if min(pads) < 0 or layer.number(18) != 0:
        raise refusal(layer, msg("its padding is not a fixed border of zeros"))
    return pads


def _write_prelu(writer: _NcnnWriter, layer: Layer) -> None:
    slope = writer.constant(f"{layer.name}.slope", layer.weights["slope"].reshape(-1, 1, 1))
    writer.node("PRelu", [writer.blob(layer.inputs[0]), slope], layer.outputs[0])


def _write_sum(writer: _NcnnWriter, layer: Layer) -> None:
    if layer.whole(0) != 0 or layer.whole(1) != 0:
        raise refusal(layer, msg("only the sum of two blobs is known"))
    writer.node("Add", [writer.blob(name) for name in layer.inputs], layer.outputs[0])


def _write_weighted_sum(writer: _NcnnWriter, layer: Layer) -> None:
    if layer.whole(0) != _ELTWISE_SUM:
        raise refusal(layer, msg("only the weighted sum is known"))
    terms = []
    for blob, weight in zip(layer.inputs, layer.numbers(1) or (1.0, 1.0), strict=True):
        term = writer.blob(blob)
        if weight != 1.0:
            factor = writer.constant(f"{layer.name}.{blob}", np.array([weight], np.float32))
            term = writer.node("Mul", [term, factor], f"{layer.name}.{blob}.weighted")
        terms.append(term)
    writer.node("Add", terms, layer.outputs[0])


def _write_concat(writer: _NcnnWriter, layer: Layer) -> None:
    if layer.whole(0) != 0:
        raise refusal(layer, msg("only channels can be joined"))
    writer.node("Concat", [writer.blob(name) for name in layer.inputs], layer.outputs[0], axis=1)


def _write_resize(writer: _NcnnWriter, layer: Layer) -> None:
    factor = Fraction(layer.number(1, 1)).limit_denominator(_LARGEST_STRIDE)
    if layer.number(1, 1) != layer.number(2, 1):
        raise refusal(layer, msg("it stretches"))
    if layer.whole(0) == _NEAREST and factor.denominator == 1:
        _write_nearest(writer, layer, factor.numerator)
    elif layer.whole(0) == _CUBIC:
        _write_cubic(writer, layer, factor)
    else:
        raise refusal(
            layer,
            msg(
                "interpolation {whole} by {factor} is not known",
                whole=layer.whole(0),
                factor=float(factor),
            ),
        )


def _write_nearest(writer: _NcnnWriter, layer: Layer, factor: int) -> None:
    scales = writer.constant(f"{layer.name}.scales", np.array([1, 1, factor, factor], np.float32))
    output = writer.node(
        "Resize",
        [writer.blob(layer.inputs[0]), "", scales],
        layer.outputs[0],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    writer.enlarge(output, factor)


def _write_cubic(writer: _NcnnWriter, layer: Layer, factor: Fraction) -> None:
    """Cubic resizing of a colour picture as a strided convolution.

    The filter repeats every ``factor.denominator`` pixels, so a convolution with one output
    channel a phase followed by a pixel shuffle gives the same numbers. ONNX Runtime's cubic
    Resize takes a third of the whole net's time; this takes a fiftieth.
    """
    picture = writer.blob(layer.inputs[0])
    if writer.enlarged(picture) % factor.denominator:
        raise refusal(
            layer, msg("cubic resizing by {factor} of a picture of any size", factor=float(factor))
        )
    taps, before, after = cubic_taps(factor)
    phases, length = taps.shape
    kernel = np.einsum("ay,bx->abyx", taps, taps).reshape(phases**2, 1, length, length)
    pads = writer.constant(f"{layer.name}.pads", _edge_pads(before, after))
    weight = writer.constant(f"{layer.name}.weight", np.tile(kernel, (_COLOURS, 1, 1, 1)))
    padded = writer.node("Pad", [picture, pads], f"{layer.name}.padded", mode="edge")
    filtered = writer.node(
        "Conv",
        [padded, weight],
        f"{layer.name}.filtered",
        kernel_shape=[length, length],
        strides=[factor.denominator] * 2,
        group=_COLOURS,
    )
    writer.node("DepthToSpace", [filtered], layer.outputs[0], blocksize=phases, mode="CRD")


def _edge_pads(before: int, after: int) -> npt.NDArray[np.int64]:
    return np.array([0, 0, before, before, 0, 0, after, after], np.int64)


def cubic_taps(factor: Fraction) -> tuple[Weights, int, int]:
    """Cubic interpolation (a = -0.75, half-pixel centres) as one filter a phase.

    Returns:
        float32 ``(phases, taps)``, and how many pixels it reads before and after a block of
        ``factor.denominator`` source pixels.

    """
    stride, phases = factor.denominator, factor.numerator
    places = [(index + 0.5) / factor - 0.5 for index in range(phases)]
    starts = [int(np.floor(place)) - 1 for place in places]
    first, last = min(starts), max(starts) + 3
    taps = np.zeros((phases, last - first + 1), np.float32)
    for row, start, place in zip(taps, starts, places, strict=True):
        row[start - first : start - first + 4] = _cubic_weights(place - (start + 1))
    return taps, -first, last - (stride - 1)


def _cubic_weights(offset: float) -> list[float]:
    """Weights of the four pixels round a point ``offset`` past the second."""
    a = -0.75
    near = [(a + 2) * x**3 - (a + 3) * x**2 + 1 for x in (offset, 1 - offset)]
    far = [a * (x**3 - 5 * x**2 + 8 * x - 4) for x in (1 + offset, 2 - offset)]
    return [far[0], near[0], near[1], far[1]]


def _write_pixel_shuffle(writer: _NcnnWriter, layer: Layer) -> None:
    output = writer.node(
        "DepthToSpace",
        [writer.blob(layer.inputs[0])],
        layer.outputs[0],
        blocksize=layer.whole(0),
        mode="CRD" if layer.whole(1) == 0 else "DCR",
    )
    writer.enlarge(output, layer.whole(0))


_WRITERS: Mapping[str, Callable[[_NcnnWriter, Layer], None]] = {
    "Input": _write_input,
    "Split": _write_split,
    "Convolution": _write_convolution,
    "PReLU": _write_prelu,
    "BinaryOp": _write_sum,
    "Eltwise": _write_weighted_sum,
    "Concat": _write_concat,
    "Interp": _write_resize,
    "PixelShuffle": _write_pixel_shuffle,
}
