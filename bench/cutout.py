"""Cutout of a 1024x1024 picture, file to file, against the bare ONNX Runtime call in it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image
from skimage import data

from studio.imaging.decode import Limits
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.contracts import MattingContract
from studio.models.matting import network_input, predict_alpha
from studio.models.weights import WeightStore
from studio.params import CutoutParams
from studio.report import Report
from studio.settings import get_settings
from studio.tools.pipeline import InputFile, run_tool
from studio.tools.spec import get_tool

SPEED_BAR = 1.15
_SIDE_PX = 1024
_ROUNDS = 7


def main() -> None:
    """Print seconds and ratios, rounds interleaved; fails above the bar."""
    settings = get_settings()
    models = ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)
    model = models.open("isnet", Report())
    contract = model.spec.contract
    if not isinstance(contract, MattingContract):
        raise TypeError("isnet is a matting network")
    picture = Image.fromarray(data.astronaut()).resize((_SIDE_PX, _SIDE_PX))
    pixels = np.asarray(picture)
    file = InputFile("image", "portrait.png", _png(picture))
    planes = network_input(contract, pixels)
    name = model.runtime.input_names[0]
    limits = Limits.from_settings(settings)
    steps: dict[str, Callable[[], object]] = {
        "network alone": lambda: model.runtime.run({name: planes}),
        "with its input and mask": lambda: predict_alpha(model, pixels),
        "file to file": lambda: run_tool(
            get_tool("cutout"), [file], CutoutParams(), models, Report(), limits=limits
        ),
    }
    seconds: dict[str, list[float]] = {step: [] for step in steps}
    for _ in range(_ROUNDS):
        for step, run in steps.items():
            started = perf_counter()
            run()
            seconds[step].append(perf_counter() - started)
    bare_s = median(seconds["network alone"])
    for step, times in seconds.items():
        _print(f"{step:24} {median(times):6.3f} s   {median(times) / bare_s:.3f} of the network")
    if median(seconds["file to file"]) > SPEED_BAR * bare_s:
        raise SystemExit(f"The cutout takes more than {SPEED_BAR} times its network.")


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
