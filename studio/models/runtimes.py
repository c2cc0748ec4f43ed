"""Which runtime opens which file. Each is a large library; a worker loads those its jobs need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.contracts import FaceSwapContract
from studio.models.runtime import Runtime, unsupported
from studio.settings import Settings

Loader = Callable[[Path, ModelSpec, WeightFile, Settings], Runtime]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A loader as ``module:function``, and the library it needs that may be missing."""

    loader: str
    optional_library: str | None = None


_RUNTIMES: Mapping[str, _Entry] = {
    "onnx": _Entry("studio.models.onnx_runtime:load"),
    "inswapper": _Entry("studio.models.inswapper:load"),
    "ncnn": _Entry("studio.models.ncnn_runtime:load"),
    "opencv-superres": _Entry("studio.models.opencv_superres:load"),
    "tflite": _Entry("studio.models.tflite_runtime:load"),
    "torchscript": _Entry("studio.models.torchscript_runtime:load", optional_library="torch"),
}
"""By ``kind_of`` a file."""


def kind_of(spec: ModelSpec, file: WeightFile) -> str:
    """What opens a file: its form, unless the way it is called asks for a runtime of its own."""
    if spec.contract.kind == "opencv-superres":
        return spec.contract.kind
    if isinstance(spec.contract, FaceSwapContract) and spec.contract.matrix_name:
        return "inswapper"
    return file.format or spec.format


def has_runtime(spec: ModelSpec) -> bool:
    """Whether the library that runs a model is installed, as far as it may be missing."""
    entry = _RUNTIMES.get(kind_of(spec, spec.served_files[0]))
    library = entry.optional_library if entry else None
    return library is None or find_spec(library) is not None


def load_runtime(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> Runtime:
    """Load a weight file into the runtime its contract and format call for.

    Raises:
        ModelUnavailableError: ``model.unsupported``, ``model.unreadable`` or ``model.unsafe``.
        StudioError: ``device.unavailable``.
        MemoryError: the weights do not fit.

    """
    kind = kind_of(spec, file)
    if kind not in _RUNTIMES:
        raise unsupported(spec, kind)
    module, _, function = _RUNTIMES[kind].loader.partition(":")
    loader: Loader = getattr(import_module(module), function)
    return loader(path, spec, file, settings)
