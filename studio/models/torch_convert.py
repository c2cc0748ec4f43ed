"""ONNX graphs from PyTorch state dictionaries, for the architectures the catalogue offers.

A state dictionary holds numbers and no graph, so every architecture is written out here once.
Its dimensions are read from the tensors. Sources: BasicSR (``rrdbnet_arch.py``,
``srvgg_arch.py``) and animegan2-pytorch (``model.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isqrt
from pathlib import Path

import numpy as np

from studio.errors import WeightError
from studio.models.graph_writer import PICTURE, Attribute, GraphWriter, save
from studio.models.runtime import Array, Floats
from studio.models.torch_state import State, read_state
from studio.words import Message, msg

_INPUT, _OUTPUT = "input", "output"
_COLOURS = 3
_SLOPE = 0.2
"""Of the leaky rectifiers in RRDBNet and in the AnimeGANv2 generator."""
_RESIDUE = 0.2
"""Share of a residual dense block that is added to its input."""
_NORM_EPSILON = 1e-5


def torch_to_onnx(state_path: Path, out_path: Path) -> None:
    """Write the network whose state dictionary ``state_path`` is as a float32 ONNX graph.

    Input and output are float32 ``(1, 3, H, W)``, in the range the network was trained with.

    Raises:
        WeightError: ``weight.conversion``, the file is no state dictionary of a known
            architecture.

    """
    state = read_state(state_path)
    for mark, write in _ARCHITECTURES.items():
        if mark in state:
            writer = _StateWriter(state)
            try:
                write(writer)
            except (KeyError, ValueError) as error:
                raise _refusal(
                    state_path, msg("{error} is missing or has another form", error=str(error))
                ) from error
            if unused := writer.unused:
                raise _refusal(
                    state_path, msg("{tensor} belongs to no part of it", tensor=unused[0])
                )
            ports = {_INPUT: PICTURE}, {_OUTPUT: PICTURE}
            save(writer.model("torch", *ports), out_path)
            return
    raise _refusal(
        state_path,
        msg("its first tensor is {found}", found=next(iter(state), None) or msg("absent")),
    )


def _refusal(path: Path, reason: Message) -> WeightError:
    return WeightError(
        msg(
            "{name} is not the state of an architecture the studio knows: {reason}.",
            name=path.name,
            reason=reason,
        ),
        code="weight.conversion",
    )


class _StateWriter(GraphWriter):
    """A graph whose constants come from a state dictionary by name."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        self._used: set[str] = set()
        self._count = 0

    @property
    def unused(self) -> list[str]:
        """Tensors that no node reads."""
        return [name for name in self._state if name not in self._used]

    def __contains__(self, name: object) -> bool:
        return name in self._state

    def take(self, name: str) -> Floats:
        """The tensor ``name`` as float32."""
        self._used.add(name)
        return np.asarray(self._state[name], np.float32)

    def add(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """A node with an output name of its own."""
        self._count += 1
        return self.node(op, inputs, f"{op}_{self._count}", **attributes)

    def numbers(self, values: Array) -> str:
        """A constant with a name of its own."""
        self._count += 1
        return self.constant(f"constant_{self._count}", values)

    def convolve(
        self, blob: str, name: str, *, padding: int = 0, stride: int = 1, group: int = 1
    ) -> str:
        """The convolution whose tensors are ``name.weight`` and, where there is one, a bias."""
        return self.filter(
            blob, self.take(f"{name}.weight"), name, padding=padding, stride=stride, group=group
        )

    def filter(
        self,
        blob: str,
        kernel: Floats,
        name: str,
        *,
        padding: int,
        stride: int = 1,
        group: int = 1,
    ) -> str:
        """A convolution by ``kernel (out, in, h, w)`` with the bias of ``name``."""
        inputs = [blob, self.constant(f"{name}.weight", kernel)]
        if (bias := f"{name}.bias") in self:
            inputs.append(self.constant(bias, self.take(bias)))
        return self.add(
            "Conv",
            *inputs,
            kernel_shape=list(kernel.shape[2:]),
            pads=[padding] * 4,
            strides=[stride] * 2,
            group=group,
        )

    def leak(self, blob: str) -> str:
        """Leaky rectifier."""
        return self.add("LeakyRelu", blob, alpha=_SLOPE)

    def residue(self, blob: str, onto: str) -> str:
        """A share of ``blob`` added to ``onto``."""
        share = self.numbers(np.array([_RESIDUE], np.float32))
        return self.add("Add", self.add("Mul", blob, share), onto)

    def repeat(self, blob: str, factor: int) -> str:
        """Every pixel ``factor`` times along both sides."""
        scales = self.numbers(np.array([1, 1, factor, factor], np.float32))
        return self.add(
            "Resize",
            blob,
            "",
            scales,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def finish(self, op: str, *inputs: str, **attributes: Attribute) -> None:
        """The node whose output is the graph's."""
        self.node(op, inputs, _OUTPUT, **attributes)


def _write_rrdbnet(writer: _StateWriter) -> None:
    """RRDBNet of ESRGAN: dense blocks in residual blocks, then two doublings."""
    first = _write_first(writer)
    body = first
    for index in _indices(writer, "body.{}.rdb1.conv1.weight"):
        body = _write_block(writer, body, f"body.{index}")
    blob = writer.add("Add", first, writer.convolve(body, "conv_body", padding=1))
    for name in ("conv_up1", "conv_up2"):
        blob = writer.leak(writer.convolve(writer.repeat(blob, 2), name, padding=1))
    blob = writer.leak(writer.convolve(blob, "conv_hr", padding=1))
    writer.finish("Identity", writer.convolve(blob, "conv_last", padding=1))


def _write_first(writer: _StateWriter) -> str:
    """The first convolution, on the picture or, for nets that end smaller, on its 2x2 blocks.

    Moving each block into the channels and filtering 3 x 3 blocks is one filter of 6 x 6
    pixels that goes on by 2.
    """
    kernel = writer.take("conv_first.weight")
    outputs, channels = kernel.shape[:2]
    block = isqrt(channels // _COLOURS)
    if channels != _COLOURS * block**2:
        raise ValueError("conv_first.weight")
    blocks = kernel.reshape(outputs, _COLOURS, block, block, 3, 3)
    spread = blocks.transpose(0, 1, 4, 2, 5, 3).reshape(outputs, _COLOURS, 3 * block, 3 * block)
    return writer.filter(_INPUT, spread, "conv_first", padding=block, stride=block)


def _write_block(writer: _StateWriter, blob: str, name: str) -> str:
    inner = blob
    for part in ("rdb1", "rdb2", "rdb3"):
        inner = _write_dense(writer, inner, f"{name}.{part}")
    return writer.residue(inner, blob)


def _write_dense(writer: _StateWriter, blob: str, name: str) -> str:
    """Five convolutions, each of which sees what all before it gave."""
    seen = [blob]
    for index in range(1, 5):
        joined = writer.add("Concat", *seen, axis=1) if len(seen) > 1 else blob
        seen.append(writer.leak(writer.convolve(joined, f"{name}.conv{index}", padding=1)))
    last = writer.convolve(writer.add("Concat", *seen, axis=1), f"{name}.conv5", padding=1)
    return writer.residue(last, blob)


def _write_srvgg(writer: _StateWriter) -> None:
    """SRVGGNetCompact: a plain stack, whose answer is added to the picture's repeated pixels."""
    names = [f"body.{index}" for index in _indices(writer, "body.{}.weight")]
    blob = _INPUT
    for name in names:
        if f"{name}.bias" in writer:
            blob = writer.convolve(blob, name, padding=1)
        else:
            slope = writer.take(f"{name}.weight").reshape(-1, 1, 1)
            blob = writer.add("PRelu", blob, writer.constant(f"{name}.weight", slope))
    scale = isqrt(writer.take(f"{names[-1]}.bias").size // _COLOURS)
    detail = writer.add("DepthToSpace", blob, blocksize=scale, mode="CRD")
    writer.finish("Add", detail, writer.repeat(_INPUT, scale))


def _indices(writer: _StateWriter, pattern: str) -> list[int]:
    """0, 1, 2, ... as long as there is a tensor of that name."""
    count = 0
    while pattern.format(count) in writer:
        count += 1
    if not count:
        raise KeyError(pattern.format(0))
    return list(range(count))


def _write_animegan2(writer: _StateWriter) -> None:
    """The AnimeGANv2 generator: down by four, four inverted residual blocks, up again."""
    half = _write_units(writer, _INPUT, "block_a", [(7, 1), (3, 2), (3, 1)])
    blob = _write_units(writer, half, "block_b", [(3, 2), (3, 1)])
    blob = _write_unit(writer, blob, "block_c.0", 3, 1)
    for index in range(1, 5):
        blob = _write_inverted(writer, blob, f"block_c.{index}.layers")
    blob = _write_unit(writer, blob, "block_c.5", 3, 1)
    blob = _write_units(writer, _as_large_as(writer, blob, half), "block_d", [(3, 1), (3, 1)])
    large = _as_large_as(writer, blob, _INPUT)
    blob = _write_units(writer, large, "block_e", [(3, 1), (3, 1), (7, 1)])
    writer.finish("Tanh", writer.convolve(blob, "out_layer.0"))


def _write_units(
    writer: _StateWriter, blob: str, name: str, shapes: Sequence[tuple[int, int]]
) -> str:
    for index, (size, stride) in enumerate(shapes):
        blob = _write_unit(writer, blob, f"{name}.{index}", size, stride)
    return blob


def _write_unit(
    writer: _StateWriter, blob: str, name: str, size: int, stride: int, group: int = 1
) -> str:
    """Mirrored border, convolution, normalisation, leaky rectifier."""
    if size > 1:
        before = size // 2 if stride == 1 else 0
        pads = writer.numbers(np.array([0, 0, before, before, 0, 0, size // 2, size // 2]))
        blob = writer.add("Pad", blob, pads, mode="reflect")
    blob = writer.convolve(blob, f"{name}.1", stride=stride, group=group)
    return writer.leak(_write_norm(writer, blob, f"{name}.2"))


def _write_inverted(writer: _StateWriter, blob: str, name: str) -> str:
    """Widen, filter every channel by itself, narrow; added to its input where that is as wide."""
    width = writer.take(f"{name}.0.1.weight").shape[0]
    inner = _write_unit(writer, blob, f"{name}.0", 1, 1)
    inner = _write_unit(writer, inner, f"{name}.1", 3, 1, group=width)
    inner = _write_norm(writer, writer.convolve(inner, f"{name}.2"), f"{name}.3")
    narrow = writer.take(f"{name}.2.weight").shape[0]
    is_as_wide = narrow == writer.take(f"{name}.0.1.weight").shape[1]
    return writer.add("Add", blob, inner) if is_as_wide else inner


def _write_norm(writer: _StateWriter, blob: str, name: str) -> str:
    """Normalisation over all pixels of all channels, then gain and bias a channel."""
    row = writer.numbers(np.array([0, 1, -1]))
    one = [writer.numbers(np.array([value], np.float32)) for value in (1, 0)]
    flat = writer.add("Reshape", blob, row)
    level = writer.add("InstanceNormalization", flat, *one, epsilon=_NORM_EPSILON)
    shaped = writer.add("Reshape", level, writer.add("Shape", blob))
    gain, bias = (
        writer.constant(f"{name}.{key}", writer.take(f"{name}.{key}").reshape(1, -1, 1, 1))
        for key in ("weight", "bias")
    )
    return writer.add("Add", writer.add("Mul", shaped, gain), bias)


def _as_large_as(writer: _StateWriter, blob: str, model: str) -> str:
    """``blob`` stretched bilinearly to the height and width of ``model``, corner to corner."""
    channels = writer.add("Shape", blob, start=0, end=2)
    sides = writer.add("Shape", model, start=2, end=4)
    return writer.add(
        "Resize",
        blob,
        "",
        "",
        writer.add("Concat", channels, sides, axis=0),
        mode="linear",
        coordinate_transformation_mode="align_corners",
    )


_ARCHITECTURES: Mapping[str, Callable[[_StateWriter], None]] = {
    "conv_first.weight": _write_rrdbnet,
    "body.0.weight": _write_srvgg,
    "block_a.0.1.weight": _write_animegan2,
}
"""By a tensor that only this architecture has."""
