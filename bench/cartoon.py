"""Seconds of the built-in looks, from decoded picture to decoded result."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from time import perf_counter, process_time

import numpy as np
from PIL import Image
from skimage import data

from bench.measuring import tell
from studio.imaging.picture import Picture
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import CartoonParams, Look
from studio.report import Report
from studio.settings import get_settings
from studio.tools.cartoon.tool import run
from studio.tools.spec import ToolInputs

BARS_S = {
    (Look.ANIME, 1024): 4.5,
    (Look.COMIC, 1024): 4.5,
    (Look.THREE_D, 1024): 2.0,
    (Look.SKETCH, 1024): 3.0,
    (Look.HANDDRAWN, 1024): 5.0,
    (Look.HANDDRAWN, 2048): 10.0,
}
"""For a portrait on two quiet cores."""
_ROUNDS = 3


def main() -> None:
    """Print wall and processor seconds and the longest wait for a cancel; fails above a bar."""
    settings = get_settings()
    models = ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)
    portrait = Picture(np.asarray(Image.fromarray(data.astronaut()).resize((1024, 1024))))
    is_slow = False
    tell("look        long side     wall      cpu   cancel      bar")
    for (look, long_side_px), bar_s in BARS_S.items():
        params = CartoonParams(look=look, long_side_px=long_side_px)
        _measure(portrait, params, models)
        rounds = [_measure(portrait, params, models) for _ in range(_ROUNDS)]
        wall_s, cpu_s, wait_s = (median(column) for column in zip(*rounds, strict=True))
        is_slow = is_slow or wall_s > bar_s
        seconds = f"{wall_s:6.2f} s {cpu_s:6.2f} s {wait_s:6.2f} s {bar_s:6.1f} s"
        tell(f"{look:12}{long_side_px:9} {seconds}")
    if is_slow:
        raise SystemExit("A look takes longer than its bar.")


def _measure(
    picture: Picture, params: CartoonParams, models: ModelCache
) -> tuple[float, float, float]:
    """Wall seconds, processor seconds, and the longest time between two cancel points."""
    told = [perf_counter()]
    started_cpu_s = process_time()
    report = Report(lambda _fraction, _stage: told.append(perf_counter()))
    run(ToolInputs({"image": [picture]}), params, models, report)
    told.append(perf_counter())
    longest_s = max(later - earlier for earlier, later in pairwise(told))
    return told[-1] - told[0], process_time() - started_cpu_s, longest_s


if __name__ == "__main__":
    main()
