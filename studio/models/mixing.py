"""A network between two that were trained from one graph, by interpolating their weights.

Source: deep network interpolation, https://arxiv.org/abs/1811.10515, as Real-ESRGAN uses it for
the strength of its denoising.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types
from onnx import numpy_helper

from studio.errors import ModelUnavailableError
from studio.words import msg


def mix_weights(path: Path, other_path: Path, share: float) -> bytes:
    """The ONNX graph ``path`` with weights ``share * own + (1 - share) * other``.

    Raises:
        ModelUnavailableError: ``model.unreadable``, a file is damaged or the two differ in
            more than their weights.

    """
    try:
        model, other = onnx.load(path), onnx.load(other_path)
    except DecodeError as error:
        raise _refusal(path, other_path) from error
    others = {tensor.name: tensor for tensor in other.graph.initializer}
    if list(model.graph.node) != list(other.graph.node):
        raise _refusal(path, other_path)
    for tensor in model.graph.initializer:
        own = numpy_helper.to_array(tensor)
        alien = numpy_helper.to_array(others[tensor.name]) if tensor.name in others else None
        if alien is None or (own.shape, own.dtype) != (alien.shape, alien.dtype):
            raise _refusal(path, other_path)
        if own.dtype == np.float32:
            # Written so that equal numbers, such as sizes, stay what they are to the last bit.
            mixed = alien + np.float32(share) * (own - alien)
            tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
    return bytes(model.SerializeToString(deterministic=True))


def _refusal(path: Path, other_path: Path) -> ModelUnavailableError:
    return ModelUnavailableError(
        msg(
            "The weights of {name} and {other} cannot be mixed: they are not of one graph.",
            name=path.name,
            other=other_path.name,
        ),
        code="model.unreadable",
    )
