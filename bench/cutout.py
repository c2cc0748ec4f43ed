"""Cutouts, file to file: against the bare network, and against rembg.

rembg is given the same network file, the same number of threads, the same pictures and the same
task: once with the colours as photographed, once with the background's colour taken out of soft
edges, which is what the studio does by default.
"""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image
from skimage import data

from bench.measuring import interleaved, tell
from studio.imaging.decode import Limits
from studio.imaging.picture import Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, load_catalogue
from studio.models.contracts import MattingContract
from studio.models.matting import network_input, predict_alpha
from studio.models.runtime import threads_for
from studio.models.weights import WeightStore
from studio.params import CutoutParams
from studio.report import Report
from studio.settings import Settings, get_settings
from studio.tools.pipeline import InputFile, run_tool
from studio.tools.registry import get_tool

SPEED_BAR = 1.15
PEER_SPEED_BAR = 0.9
PEER_ALPHA_BAR = 1 / 255
_MODEL = "isnet"
_PEER_SETTINGS = "isnet-general-use"
"""The same network as rembg calls it; the default weights come with another normalisation."""
_NETWORK_SIZE = (1024, 1024)
_CAMERA_SIZE = (4000, 3000)
_ROUNDS = 7
_PEER_ROUNDS = 3


def main() -> None:
    """Print seconds and ratios, rounds interleaved; fails beyond a bar."""
    settings = get_settings()
    portrait = Image.fromarray(data.astronaut())
    small, large = portrait.resize(_NETWORK_SIZE), portrait.resize(_CAMERA_SIZE)
    against_the_network(settings, np.asarray(small), _png(small))
    ratios = [
        rembg_ratio(settings, _png(picture), clean_colours=clean_colours)
        for picture in (small, large)
        for clean_colours in (False, True)
    ]
    if max(ratios) > PEER_SPEED_BAR:
        raise SystemExit(f"The cutout takes more than {PEER_SPEED_BAR} times rembg's time.")


def against_the_network(settings: Settings, pixels: Pixels, png: bytes) -> None:
    """What everything around the bare ONNX Runtime call costs."""
    models = ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)
    model = models.open(_MODEL, Report())
    contract = model.spec.contract
    if not isinstance(contract, MattingContract):
        raise TypeError(f"{_MODEL} is a matting network")
    planes = network_input(contract, pixels)
    name = model.runtime.input_names[0]
    seconds = interleaved(
        {
            "network alone": lambda: model.runtime.run({name: planes}),
            "with its input and mask": lambda: predict_alpha(model, pixels),
            "file to file": lambda: _cut_out(png, models, settings),
        },
        _ROUNDS,
    )
    bare_s = seconds["network alone"]
    for step, step_s in seconds.items():
        tell(f"{step:24} {step_s:6.3f} s   {step_s / bare_s:.3f} of the network")
    if seconds["file to file"] > SPEED_BAR * bare_s:
        raise SystemExit(f"The cutout takes more than {SPEED_BAR} times its network.")


def rembg_ratio(settings: Settings, png: bytes, *, clean_colours: bool) -> float:
    """Our time from file to PNG over rembg's, at its own settings; fails if the alphas differ."""
    catalogue = load_catalogue()
    contract = catalogue.get(_PEER_SETTINGS).contract
    spec = catalogue.get(_MODEL).model_copy(update={"contract": contract})
    store = WeightStore(settings.weights_dir, Catalogue((spec,)))
    models = ModelCache(store, settings)
    # rembg opens custom networks only in the folder it takes for its own.
    os.environ["U2NET_HOME"] = str(store.path(_MODEL).parent)
    import rembg

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads_for(settings)
    session = rembg.new_session("dis_custom", sess_opts=options, model_path=str(store.path(_MODEL)))
    seconds = interleaved(
        {
            "rembg": lambda: rembg.remove(png, session=session, decontaminate=clean_colours),
            "ours": lambda: _cut_out(png, models, settings, despill=clean_colours),
        },
        _PEER_ROUNDS,
    )
    ratio = seconds["ours"] / seconds["rembg"]
    size = " x ".join(map(str, Image.open(io.BytesIO(png)).size))
    tell(f"{size}, {'clean colours' if clean_colours else 'colours as photographed'}:")
    for name, name_s in seconds.items():
        tell(f"{name:24} {name_s:6.3f} s   {name_s / seconds['rembg']:.3f} of rembg")
    theirs = _pixels(rembg.remove(png, session=session, only_mask=True))
    ours = _pixels(_cut_out(png, models, settings)["alpha"])
    difference = float(np.abs(theirs - ours).mean()) / 255
    tell(f"{'alpha, mean difference':24} {difference * 255:6.3f} of 255 levels")
    if difference > PEER_ALPHA_BAR:
        raise SystemExit("The alpha is more than one level away from rembg's.")
    return ratio


def _cut_out(
    png: bytes, models: ModelCache, settings: Settings, *, despill: bool = True
) -> dict[str, bytes]:
    """The tool's files by role."""
    file = InputFile("image", "portrait.png", png)
    limits = Limits.from_settings(settings)
    result = run_tool(
        get_tool("cutout"),
        [file],
        CutoutParams(model=_MODEL, despill=despill),
        models,
        Report(),
        limits=limits,
        new_file=io.BytesIO,
        pool=None,
    )
    return {output.role: output.file.getvalue() for output in result.outputs}


def _pixels(png: Any) -> np.ndarray[Any, np.dtype[np.int16]]:  # noqa: ANN401 — rembg's is a union
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.int16)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
