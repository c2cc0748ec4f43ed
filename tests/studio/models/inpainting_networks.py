"""Tiny networks with the true signatures of LaMa and MI-GAN, whose answers are known.

Each paints the hole in the mean colour of what it is shown of the rest: all of its red, half of
its green, a quarter of its blue. So a wrong polarity, range, order of channels or padding shows
in the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from studio.models.contracts import InpaintContract
from tests.studio.models.weight_factories import make_file, make_model

GAINS = (1.0, 0.5, 0.25)
"""Red, green, blue."""
SIDE_PX = 512
_FLOAT, _BYTE = TensorProto.FLOAT, TensorProto.UINT8

Array = np.ndarray[Any, Any]


def mean_paint(pixels: Array, hole: Array) -> Array:
    """The colour, RGB ``float64 (3,)``, that the networks paint a hole in."""
    known: Array = pixels[hole == 0].mean(axis=0) * GAINS
    return known


class Lama(nn.Module):
    """``image`` 0 to 1, ``mask`` whole numbers with 1 = hole; the answer 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("gains", torch.tensor(GAINS).view(1, 3, 1, 1))

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        known = (1 - mask).to(image.dtype)
        mean = (image * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True)
        return image * known + mean * self.gains * mask


class Migan(nn.Module):
    """0.5 - mask, then the picture -1 to 1 with nothing in the hole; the answer -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("gains", torch.tensor(GAINS).view(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        known = x[:, :1] + 0.5
        mean = x[:, 1:].sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True)
        return x[:, 1:] + ((mean + 1) * self.gains - 1) * (1 - known)


def write_lama(path: Path) -> Path:
    shown = torch.ones(1, 3, 8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.int64)
    return save_traced(Lama(), shown, path)


def write_migan(path: Path) -> Path:
    return save_traced(Migan(), (torch.zeros(1, 4, SIDE_PX, SIDE_PX),), path)


def save_traced(module: nn.Module, example: tuple[torch.Tensor, ...], path: Path) -> Path:
    torch.jit.save(torch.jit.trace(module.eval(), example), str(path))
    return path


def write_lama_onnx(path: Path) -> Path:
    """512 x 512 only; ``image`` RGB 0 to 1, ``mask`` 1 = hole; the answer 0 to 255."""
    return _write_lama_onnx(path, GAINS)


def write_lama_opencv(path: Path) -> Path:
    """The same, its channels the other way round."""
    return _write_lama_onnx(path, GAINS[::-1])


def write_migan_pipeline(path: Path) -> Path:
    """Bytes of any size, mask 255 = keep; pastes its paint back over a narrowed, soft hole.

    As the published graph does: the kept part grows by a pixel and is blurred over five, so the
    outer three pixels of the hole keep something of what was there.
    """
    ramp = np.exp(-0.5 * np.arange(-2, 3) ** 2)
    gauss = np.outer(ramp, ramp) / ramp.sum() ** 2
    nodes = [
        helper.make_node("Cast", ["image"], ["picture"], to=_FLOAT),
        helper.make_node("Cast", ["mask"], ["levels"], to=_FLOAT),
        helper.make_node("Div", ["levels", "white"], ["known"]),
        *_mean("picture"),
        helper.make_node("MaxPool", ["known"], ["wide"], kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Pad", ["wide", "edges"], ["framed"], mode="reflect"),
        helper.make_node("Conv", ["framed", "gauss"], ["kept"]),
        *_blend("picture", "kept", "blended"),
        helper.make_node("Clip", ["blended", "black", "white"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["result"], to=_BYTE),
    ]
    constants = {
        "white": np.float32(255),
        "black": np.float32(0),
        "edges": np.array([0, 0, 2, 2] * 2),
        "gauss": gauss.astype(np.float32).reshape(1, 1, 5, 5),
        **_constants(GAINS),
    }
    return _save(path, nodes, constants, _BYTE, (None, None), "result")


def _write_lama_onnx(path: Path, gains: tuple[float, ...]) -> Path:
    nodes = [
        helper.make_node("Sub", ["one", "mask"], ["known"]),
        *_mean("image"),
        *_blend("image", "known", "blended"),
        helper.make_node("Mul", ["blended", "white"], ["output"]),
    ]
    constants = {"white": np.float32(255), **_constants(gains)}
    return _save(path, nodes, constants, _FLOAT, (SIDE_PX, SIDE_PX), "output")


def _constants(gains: tuple[float, ...]) -> dict[str, Any]:
    return {
        "one": np.float32(1),
        "sides": np.array([2, 3]),
        "gains": np.array(gains, np.float32).reshape(1, 3, 1, 1),
    }


def _mean(image: str) -> list[onnx.NodeProto]:
    """``paint`` from ``image`` and ``known``."""
    return [
        helper.make_node("Mul", [image, "known"], ["shown"]),
        helper.make_node("ReduceSum", ["shown", "sides"], ["total"]),
        helper.make_node("ReduceSum", ["known", "sides"], ["count"]),
        helper.make_node("Div", ["total", "count"], ["mean"]),
        helper.make_node("Mul", ["mean", "gains"], ["paint"]),
    ]


def _blend(image: str, kept: str, out: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Mul", [image, kept], ["rest"]),
        helper.make_node("Sub", ["one", kept], ["open"]),
        helper.make_node("Mul", ["paint", "open"], ["fill"]),
        helper.make_node("Add", ["rest", "fill"], [out]),
    ]


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, Any],
    kind: int,
    size: tuple[int | None, int | None],
    output: str,
) -> Path:
    ports = [
        helper.make_tensor_value_info(name, kind, [1, channels, *size])
        for name, channels in (("image", 3), ("mask", 1), (output, 3))
    ]
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "tiny", ports[:2], ports[2:], initializers)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "lama": write_lama,
    "lama-anime": write_lama,
    "lama-onnx": write_lama_onnx,
    "lama-opencv-zoo": write_lama_opencv,
    "migan": write_migan,
    "migan-pipeline": write_migan_pipeline,
}
"""By catalogue entry, and by the one of ``MIGAN``."""
MIGAN = make_model(
    make_file("migan_traced.pt", b"traced"),
    id="migan",
    task="inpainting",
    tools=("inpaint",),
    format="torchscript",
    contract=InpaintContract(
        is_stacked=True,
        divide_by=127.5,
        mean=(1.0, 1.0, 1.0),
        hole_value=-0.5,
        kept_value=0.5,
        size_px=SIDE_PX,
    ),
)
"""As a team describes it that has the TorchScript file; the one way of calling in no entry."""
