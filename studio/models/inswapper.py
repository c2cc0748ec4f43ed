"""InSwapper: a graph that carries, unused, the matrix its embeddings must be multiplied by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from studio.errors import ModelUnavailableError
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.contracts import FaceSwapContract
from studio.models.guard import require_contract
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.runtime import Array, Floats
from studio.settings import Settings
from studio.words import msg

_EMBEDDING_SIZE = 512


def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> InswapperRuntime:
    """As the contract says; a loader of ``runtimes``."""
    return InswapperRuntime(path, settings, require_contract(spec, FaceSwapContract))


class InswapperRuntime(OnnxRuntime):
    """Takes unit embeddings as its source and maps them itself.

    The matrix is read from the file, since ONNX Runtime drops constants that no node uses.
    """

    def __init__(self, path: Path, settings: Settings, contract: FaceSwapContract) -> None:
        """Load ``path``.

        Raises:
            ModelUnavailableError: ``model.unreadable``, also when the matrix is not there.
            StudioError: ``device.unavailable``.
            MemoryError: the weights do not fit.

        """
        super().__init__(path, settings)
        self._source_name = contract.source_name
        self._matrix = read_matrix(path, contract.matrix_name or "")

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run once; the source is a unit embedding ``float32 (1, 512)``."""
        mapped = inputs[self._source_name].astype(np.float32) @ self._matrix
        # As the authors' code does; the length carries no identity.
        mapped /= np.linalg.norm(mapped) + np.float32(1e-12)
        return super().run({**inputs, self._source_name: mapped})


def read_matrix(path: Path, name: str) -> Floats:
    """The initializer called ``name``, else the last one, of an ONNX file.

    Returns:
        ``float32 (512, 512)``, whatever its precision in the file.

    Raises:
        ModelUnavailableError: ``model.unreadable``, it is not there or has another shape.

    """
    constants = onnx.load(path).graph.initializer
    shape = [_EMBEDDING_SIZE, _EMBEDDING_SIZE]
    named = [constant for constant in constants if constant.name == name]
    candidates = [*named, *constants[-1:]]
    for constant in candidates:
        if list(constant.dims) == shape:
            return np.array(numpy_helper.to_array(constant), np.float32)
    raise ModelUnavailableError(
        msg(
            "The weight file {name} lacks the matrix that maps embeddings, so it was "
            "changed by a converter or optimiser. Import the file as it was "
            "published.",
            name=path.name,
        ),
        code="model.unreadable",
    )
