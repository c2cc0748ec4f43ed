"""Reader of ncnn models: the text graph (``.param``) and its weights (``.bin``).

Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. Only what
convolutional super-resolution nets need is read; anything else is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.errors import WeightError
from studio.words import Message, msg, msgs

Weights = npt.NDArray[np.float32]
Value = int | float | tuple[float, ...]

_MAGIC = "7767517"
_FLAG_FP32 = 0
_FLAG_FP16 = 0x01306B47
_FIRST_ARRAY_KEY = -23300


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of the graph.

    Attributes:
        kind: ncnn layer type, such as ``Convolution``.
        name: unique in the graph.
        inputs, outputs: names of the blobs it reads and writes.
        params: ncnn's numbered parameters; absent ones have ncnn's default.
        weights: float32 arrays by name: ``weight (out, in, kh, kw)`` and ``bias (out,)`` of a
            convolution, ``slope (channels,)`` of a PReLU.

    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: dict[int, Value]
    weights: dict[str, Weights] = field(default_factory=dict)

    def whole(self, key: int, default: int = 0) -> int:
        """Integer parameter ``key``."""
        return int(self.number(key, default))

    def number(self, key: int, default: float = 0.0) -> float:
        """Scalar parameter ``key``."""
        value = self.params.get(key, default)
        if isinstance(value, tuple):
            raise refusal(self, msg("parameter {key} is a list", key=key))
        return float(value)

    def numbers(self, key: int) -> tuple[float, ...]:
        """List parameter ``key``; empty when absent."""
        value = self.params.get(key, ())
        return value if isinstance(value, tuple) else (float(value),)


def refusal(layer: Layer, reason: Message) -> WeightError:
    """The error that says which layer cannot be converted, and why."""
    return WeightError(
        msg(
            "The ncnn layer {name} of type {kind} cannot be converted: {reason}.",
            name=layer.name,
            kind=layer.kind,
            reason=reason,
        ),
        code="weight.conversion",
    )


def read_ncnn(param_path: Path, bin_path: Path) -> list[Layer]:
    """Read the layers in execution order with their weights as float32.

    Raises:
        WeightError: ``weight.conversion``, the files are not ncnn's or hold an unknown form.

    """
    layers = _read_param(param_path)
    reader = _BinReader(bin_path.read_bytes())
    for layer in layers:
        if layer.kind == "Convolution":
            _read_convolution(layer, reader)
        elif layer.kind == "PReLU":
            layer.weights["slope"] = reader.raw(layer.whole(0))
    reader.expect_end()
    return layers


def _read_param(path: Path) -> list[Layer]:
    magic, *lines = path.read_bytes().decode("ascii", errors="replace").splitlines() or [""]
    try:
        layers = [_parse_layer(line.split()) for line in lines[1:] if line.strip()]
    except (ValueError, IndexError):
        layers = []
    if magic.strip() != _MAGIC or not layers:
        raise WeightError(
            msg("{name} is not an ncnn text graph.", name=path.name), code="weight.conversion"
        )
    return layers


def _parse_layer(words: list[str]) -> Layer:
    kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
    blobs = words[4 : 4 + inputs + outputs]
    params = dict(_parse_param(word) for word in words[4 + inputs + outputs :])
    return Layer(kind, name, tuple(blobs[:inputs]), tuple(blobs[inputs:]), params)


def _parse_param(word: str) -> tuple[int, Value]:
    key_text, _, text = word.partition("=")
    key = int(key_text)
    if key <= _FIRST_ARRAY_KEY:
        _count, *items = text.split(",")
        return _FIRST_ARRAY_KEY - key, tuple(float(item) for item in items)
    return key, int(text) if text.lstrip("-").isdigit() else float(text)


def _read_convolution(layer: Layer, reader: _BinReader) -> None:
    outputs, width = layer.whole(0), layer.whole(1)
    height = layer.whole(11, width)
    flat = reader.tagged(layer, layer.whole(6))
    layer.weights["weight"] = flat.reshape(outputs, -1, height, width)
    if layer.whole(5):
        layer.weights["bias"] = reader.raw(outputs)


class _BinReader:
    """Walks a ``.bin`` file; every array starts on a multiple of four bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def tagged(self, layer: Layer, count: int) -> Weights:
        """``count`` weights behind a tag that tells how they are stored."""
        flag = int.from_bytes(self._take(4), "little")
        if flag == _FLAG_FP32:
            return self.raw(count)
        if flag == _FLAG_FP16:
            data = self._take(2 * count + 2 * (count % 2))
            return np.frombuffer(data, "<f2", count).astype(np.float32)
        raise refusal(layer, msg("its weights are stored in the form {flag:#010x}", flag=flag))

    def raw(self, count: int) -> Weights:
        """``count`` plain float32 values."""
        return np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)

    def expect_end(self) -> None:
        """Check that the graph and the weights belong together."""
        if self._offset != len(self._data):
            raise WeightError(
                msgs(
                    "The ncnn graph and weight files do not belong together: {n} byte is left "
                    "over.",
                    "The ncnn graph and weight files do not belong together: {n} bytes are left "
                    "over.",
                    len(self._data) - self._offset,
                ),
                code="weight.conversion",
            )

    def _take(self, count: int) -> bytes:
        end = self._offset + count
        if end > len(self._data):
            raise WeightError(msg("The ncnn weight file is too short."), code="weight.conversion")
        data = self._data[self._offset : end]
        self._offset = end
        return data
