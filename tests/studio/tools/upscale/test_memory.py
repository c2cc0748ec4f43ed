"""Every runtime that runs out of memory leads to smaller tiles, and to a note in the record."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.imaging.decode import Limits, decode
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, ModelSpec, WeightFile
from studio.models.contracts import Contract, OpencvSuperresContract, SuperresContract
from studio.models.ncnn_runtime import NcnnRuntime
from studio.models.onnx_runtime import OnnxRuntime
from studio.models.opencv_superres import OpencvSuperres
from studio.models.runtime import Device, Runtime
from studio.models.runtimes import load_runtime
from studio.models.weights import WeightStore
from studio.params import UpscaleParams
from studio.report import Report
from studio.settings import Settings
from studio.tools.pipeline import InputFile, RunResult, run_tool
from studio.tools.registry import TOOLS
from tests.pictures import png
from tests.studio.models.networks import write_enlarger, write_ncnn
from tests.studio.models.tensorflow_graphs import write_espcn
from tests.studio.models.weight_factories import make_file, make_model
from tests.words import said

LARGEST_PX = 90 * 90
"""More source pixels than this do not fit."""
CPU = Settings(device="cpu", threads=1)
LIMITS = Limits.from_settings(Settings())
OPENCV = OpencvSuperresContract(channels="y", overlap_px=4)


class Starved:
    """Stands before a library's object and fails as the library does when memory is out."""

    def __init__(self, inner: Any, **instead: Callable[..., Any]) -> None:
        self._inner = inner
        for name, function in instead.items():
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def starve_onnx(runtime: OnnxRuntime) -> None:
    session = runtime._session

    def run(names: Any, feed: dict[str, np.ndarray[Any, Any]], options: Any) -> Any:
        (planes,) = feed.values()
        if planes.shape[2] * planes.shape[3] > LARGEST_PX:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 42")
        return session.run(names, feed, options)

    runtime._session = Starved(session, run=run)


def starve_ncnn(runtime: NcnnRuntime) -> None:
    network = runtime._network

    def create_extractor() -> Any:
        extractor, areas = network.create_extractor(), []

        def put(name: str, blob: Any) -> int:
            areas.append(blob.w * blob.h)
            return int(extractor.input(name, blob))

        def extract(name: str) -> Any:
            return (-100, None) if areas[0] > LARGEST_PX else extractor.extract(name)

        return Starved(extractor, input=put, extract=extract)

    runtime._network = Starved(network, create_extractor=create_extractor)


def starve_opencv(runtime: OpencvSuperres) -> None:
    network = runtime._network

    def put(blob: np.ndarray[Any, Any]) -> None:
        if blob.shape[2] * blob.shape[3] > LARGEST_PX:
            error = cv2.error("Failed to allocate 42 bytes")
            error.code = cv2.Error.StsNoMem
            raise error
        network.setInput(blob)

    runtime._network = Starved(network, setInput=put)


def onnx_model(folder: Path) -> ModelSpec:
    path = write_enlarger(folder / "net.onnx")
    return spec(SuperresContract(overlap_px=4), "onnx", [path])


def ncnn_model(folder: Path) -> ModelSpec:
    param, weights = write_ncnn(folder)
    return spec(SuperresContract(overlap_px=8), "ncnn", [param, weights])


def opencv_model(folder: Path) -> ModelSpec:
    path = write_espcn(folder / "net.pb", gain=0.8)
    return spec(OPENCV, "tensorflow-graph", [path])


def spec(contract: Contract, form: Any, paths: list[Path]) -> ModelSpec:
    files = [make_file(path.name, path.read_bytes()) for path in paths]
    scale = 3 if form == "ncnn" else 2
    first = files[0].model_copy(update={"scale": scale, "weights": None})
    rest: list[WeightFile] = []
    if len(files) > 1:
        first = first.model_copy(update={"weights": files[1].name, "devices": tuple(Device)})
        rest = [files[1].model_copy(update={"scale": None})]
    return make_model(first, *rest, contract=contract, format=form)


def enlarge(
    model: ModelSpec, folder: Path, starve: Callable[[Any], None] | None
) -> RunResult[BytesIO]:
    def load(path: Path, spec: ModelSpec, file: WeightFile, settings: Settings) -> Runtime:
        runtime = load_runtime(path, spec, file, settings)
        if starve:
            starve(runtime)
        return runtime

    store = WeightStore(folder / "weights", Catalogue((model,)))
    for file in model.files:
        store.import_file(folder / file.name)
    cache = ModelCache(store, CPU, load=load)
    picture = InputFile("image", "a.png", png(3, 150, 110))
    params = UpscaleParams(model=model.id, scale=model.scales[0])
    return run_tool(
        TOOLS["upscale"],
        [picture],
        params,
        cache,
        Report(),
        limits=LIMITS,
        new_file=BytesIO,
        pool=None,
    )


def pixels_of(result: RunResult[BytesIO]) -> np.ndarray[Any, Any]:
    return decode(result.outputs[0].file.getvalue(), file_name="a.png", limits=LIMITS).pixels


@pytest.mark.parametrize(
    ("make", "starve", "runtime"),
    [
        (onnx_model, starve_onnx, "onnxruntime"),
        (ncnn_model, starve_ncnn, "ncnn"),
        (opencv_model, starve_opencv, "opencv"),
    ],
    ids=["onnxruntime", "ncnn", "opencv"],
)
def test_upscale_without_memory_halves_the_tile_and_the_record_says_so(
    tmp_path: Path,
    make: Callable[[Path], ModelSpec],
    starve: Callable[[Any], None],
    runtime: str,
) -> None:
    model = make(tmp_path)

    plain = enlarge(model, tmp_path, None)
    starved = enlarge(model, tmp_path, starve)

    assert [use.runtime for use in starved.record.weights] == [runtime]
    told = [note for note in said(starved.record.notes) if note not in said(plain.record.notes)]
    assert told
    for note in told:
        assert note.startswith("Memory ran out; smaller tiles were used")
    assert pixels_of(starved).shape == pixels_of(plain).shape
    difference = np.abs(pixels_of(starved).astype(int) - pixels_of(plain))
    assert difference[2:-2, 2:-2].max() <= 1
