"""Face swap, file to file: a close-up, and a group of four."""

from __future__ import annotations

import io
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image
from skimage import data

from bench.measuring import tell
from studio.imaging.decode import Limits
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import FaceswapParams, ImageFormat
from studio.report import Report
from studio.settings import get_settings
from studio.tools.pipeline import InputFile, run_tool
from studio.tools.registry import get_tool

LIMIT_S = 2.0
_ROUNDS = 5
_HEAD = (140, 0, 330, 220)
"""The astronaut's head: left, top, right, bottom."""
_CLOSE_UP_PX = (1900, 2200)
_GROUP_TILE_PX = (960, 720)


def main() -> None:
    """Print seconds a stage, warm; fails above the limit."""
    settings = get_settings()
    models = ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)
    limits = Limits.from_settings(settings)
    astronaut = Image.fromarray(data.astronaut())
    source = InputFile("source", "source.jpg", _jpeg(_tinted(astronaut)))
    too_slow = []
    for name, picture, choice in (
        ("close-up", astronaut.crop(_HEAD).resize(_CLOSE_UP_PX), "largest"),
        ("group of four", _group(astronaut), "all"),
    ):
        target = InputFile("image", "target.jpg", _jpeg(picture))
        params = FaceswapParams(choice=choice, format=ImageFormat.JPEG)
        times, stages = [], []
        for _ in range(1 + _ROUNDS):
            report = Report()
            started = perf_counter()
            run_tool(
                get_tool("faceswap"),
                [target, source],
                params,
                models,
                report,
                limits=limits,
                new_file=io.BytesIO,
                pool=None,
            )
            times.append(perf_counter() - started)
            stages.append(report.seconds)
        total_s = median(times[1:])
        last = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in stages[-1].items())
        size = " × ".join(str(side) for side in picture.size)
        tell(f"{name:16} {size:12} {total_s:6.2f} s   ({len(report.regions)} faces; {last})")
        if total_s > LIMIT_S:
            too_slow.append(name)
    if too_slow:
        raise SystemExit(f"More than {LIMIT_S} s: {', '.join(too_slow)}.")


def _group(person: Image.Image) -> Image.Image:
    """Four of them, two by two."""
    width, height = _GROUP_TILE_PX
    group = Image.new("RGB", (2 * width, 2 * height))
    for index in range(4):
        tile = person.crop((64, 0, 448, 288)).resize(_GROUP_TILE_PX)
        group.paste(tile, (index % 2 * width, index // 2 * height))
    return group


def _tinted(picture: Image.Image) -> Image.Image:
    warm = np.asarray(picture) * np.array([0.8, 0.66, 0.56])
    return Image.fromarray(warm.astype(np.uint8))


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
