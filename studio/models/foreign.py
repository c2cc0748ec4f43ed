"""Weights from elsewhere, converted and tried out in processes that can be ended.

A graph of a few kilobytes can be folded for hours while it is opened, and no library that opens
one can be interrupted. So what nobody has vouched for is opened once, within a time and a memory,
before it is installed; and whatever is converted is converted there, since converters read the same
bytes. See ``studio.confined.pool``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from studio.confined.pool import ConfinedPool, OverrunError
from studio.errors import StudioError, WeightError
from studio.models.catalogue import Conversion, ModelSpec, WeightFile
from studio.models.runtimes import kind_of, load_runtime
from studio.settings import Settings
from studio.words import Message, msg

OPENING_LIMIT_S = 300.0
"""The largest network known, of 1 GB, opens in 20 s on two cores."""
_CONVERTING_LIMIT_S = 900.0
_MEMORY_BYTES = 6 << 30
"""Address space that libraries, their threads and arenas take, however small a network is."""
_COPIES_OF_THE_FILE = 10
"""Halves become floats, and protobuf holds and writes both."""
_OPENED_ALONE = ("onnx", "inswapper", "tflite", "opencv-superres")
"""Kinds of ``runtimes`` that are one file."""
_OPENED_IN_PAIRS = "ncnn"
"""A graph, with its weights in a file apart. The one kind left comes with a digest."""
_PICTURES = (".jpg", ".png")

_CONVERTERS: dict[Conversion, str] = {
    "ncnn-to-onnx": "studio.models.convert:ncnn_to_onnx",
    "half-to-float": "studio.models.convert:half_to_float",
    "torch-to-onnx": "studio.models.torch_convert:torch_to_onnx",
    "tensorflow-to-onnx": "studio.models.tensorflow_convert:tensorflow_to_onnx",
}

logger = logging.getLogger(__name__)


def convert(conversion: Conversion, materials: Sequence[Path], out: Path) -> None:
    """Make ``out`` of ``materials``.

    Raises:
        WeightError: ``weight.conversion``, naming what cannot be converted and why.
        RetriableError: ``work.no_process``, or ``work.killed`` where memory is short.

    """
    call = partial(_convert, conversion, tuple(materials), out)
    what = msg("{files} cannot be converted", files=tuple(path.name for path in materials))
    _run(call, materials, _CONVERTING_LIMIT_S, what, "weight.conversion")


def try_out(
    path: Path, spec: ModelSpec, file: WeightFile, find_sound: Callable[[WeightFile], Path | None]
) -> None:
    """Open ``path``, which is about to become ``file``, unless the catalogue vouches for it.

    What has a sha256 there was looked at by whoever wrote the entry. Any other bytes are the first
    of their kind here. A pair is opened when the second of it comes, its graph also by itself.

    Args:
        path: the file that has arrived.
        spec: its model.
        file: what it is to be.
        find_sound: where another file of the model lies; None where it is not there, or damaged.

    Raises:
        WeightError: ``weight.unusable``, it cannot be opened, or not within reason.
        RetriableError: ``work.no_process``, or ``work.killed`` where memory is short.

    """
    if file.name.endswith(_PICTURES):
        return
    what = msg("{file} was not installed", file=file.name)
    for graph in spec.served_files:
        kind = kind_of(spec, graph)
        if kind == _OPENED_IN_PAIRS and file.name in (graph.name, graph.weights):
            parts = [part for part in spec.files if part.name in (graph.name, graph.weights)]
            if not all(part.sha256 for part in parts):
                at = {one.name: path if one.name == file.name else find_sound(one) for one in parts}
                _try_pair(at[graph.name], at.get(graph.weights or ""), what)
        elif kind in _OPENED_ALONE and graph == file and file.sha256 is None:
            call = partial(_open, path, spec, file)
            _run(call, [path], OPENING_LIMIT_S, what, "weight.unusable")


def _try_pair(graph: Path | None, weights: Path | None, what: Message) -> None:
    """Open a graph with its weights, or alone; weights without one say nothing."""
    if graph is not None:
        read = [path for path in (graph, weights) if path is not None]
        call = partial(_open_pair, graph, weights)
        _run(call, read, OPENING_LIMIT_S, what, "weight.unusable")


def _convert(conversion: Conversion, materials: tuple[Path, ...], out: Path) -> None:
    module, _, function = _CONVERTERS[conversion].partition(":")
    converter: Callable[..., None] = getattr(import_module(module), function)
    converter(*materials, out)


def _open(path: Path, spec: ModelSpec, file: WeightFile) -> None:
    load_runtime(path, spec, file, Settings(device="cpu", threads=1))


def _open_pair(graph: Path, weights: Path | None) -> None:
    ncnn = import_module("studio.models.ncnn_runtime")
    if weights is None:
        ncnn.read_graph(graph)
    else:
        ncnn.NcnnRuntime(graph, weights, Settings(device="cpu", threads=1))


def _run(
    call: Callable[[], None], read: Sequence[Path], time_limit_s: float, what: Message, code: str
) -> None:
    size_bytes = sum(path.stat().st_size for path in read)
    memory_limit_bytes = _MEMORY_BYTES + _COPIES_OF_THE_FILE * size_bytes
    pool = ConfinedPool(preload=(), most_at_once=1, memory_budget_bytes=memory_limit_bytes)
    try:
        pool.run(call, time_limit_s=time_limit_s, memory_limit_bytes=memory_limit_bytes)
    except OverrunError as error:
        reason = _OVERRUNS[error.code]
        raise _unusable(what, reason, code) from error
    except WeightError:
        raise
    except StudioError as error:
        if error.code.startswith("work."):
            raise
        reason = msg("it is no network that can be run here")
        raise _unusable(what, reason, code) from error
    except Exception as error:  # whatever a library raises of bytes that anybody may have made
        logger.warning("%s", what, exc_info=True)
        reason = msg("it is damaged, or of a kind that the studio does not know")
        raise _unusable(what, reason, code) from error
    finally:
        pool.close()


_OVERRUNS = {
    "work.too_slow": msg("reading it took too long"),
    "work.too_large": msg("reading it takes too much memory"),
    "work.crashed": msg("what reads it crashed"),
}


def _unusable(what: Message, reason: Message, code: str) -> WeightError:
    return WeightError(
        msg("{what}: {reason}. Nothing was changed.", what=what, reason=reason), code=code
    )
