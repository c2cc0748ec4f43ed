"""Ways of inpainting side by side, without any network: ``docs/quality.md`` is its table.

Also the seconds that one hole of 300 px, and fifty of 60 px, in a 4000 x 3000 photograph take with
PatchMatch.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import cv2
import numpy as np

from bench.measuring import tell
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import Filler, InpaintParams
from studio.report import Report
from studio.settings import get_settings
from studio.tools.inpaint.tool import fill_holes
from tests.inpainting_bar import holes, judge, photo, scratches

LIMIT_S = 8.0
MANY_LIMIT_CPU_S = 24.0
SCRATCH_PSNR_DB = 24.9
HOLE_PSNR_DB = 17.3
HOLE_TEXTURE = (0.8, 1.2)


def main() -> None:
    """Print the table; fails below the bars."""
    with tempfile.TemporaryDirectory() as empty:
        store = WeightStore(Path(empty), load_catalogue())
        models = ModelCache(store, get_settings())
        tell("| way | scratches dB / SSIM | holes dB / SSIM | holes texture | seconds |")
        tell("|---|---|---|---|---|")
        results = {filler: _row(filler, models) for filler in Filler}
        seconds = _large(models)
        many_cpu_s = _many(models)
    tell(f"4000 x 3000, one hole of 300 px, PatchMatch: {seconds:.1f} s (at most {LIMIT_S:g})")
    tell(
        f"4000 x 3000, fifty holes of 60 px, PatchMatch: {many_cpu_s:.1f} CPU s "
        f"(at most {MANY_LIMIT_CPU_S:g})"
    )
    scratch, hole = results[Filler.AUTO]
    is_met = (
        scratch[0] >= SCRATCH_PSNR_DB
        and hole[0] >= HOLE_PSNR_DB
        and HOLE_TEXTURE[0] <= hole[2] <= HOLE_TEXTURE[1]
        and seconds <= LIMIT_S
        and many_cpu_s <= MANY_LIMIT_CPU_S
    )
    if not is_met:
        sys.exit("below the bar")


def _row(filler: Filler, models: ModelCache) -> tuple[np.ndarray, np.ndarray]:
    params = InpaintParams(model=filler)

    def fill(pixels: Pixels, mask: Pixels) -> Pixels:
        return fill_holes(Picture(pixels), mask, params, models, Report())

    started = perf_counter()
    scratch, hole = judge(fill, scratches).mean(axis=0), judge(fill, holes).mean(axis=0)
    seconds = perf_counter() - started
    tell(
        f"| {filler} | {scratch[0]:.1f} / {scratch[1]:.3f} | {hole[0]:.1f} / {hole[1]:.3f} "
        f"| {hole[2]:.2f} | {seconds:.0f} |"
    )
    return scratch, hole


def _large(models: ModelCache) -> float:
    mask = np.zeros((3000, 4000), np.uint8)
    cv2.circle(mask, (2100, 1400), 150, 255, cv2.FILLED)
    started = perf_counter()
    _fill_photograph(mask, models)
    return perf_counter() - started


def _many(models: ModelCache) -> float:
    mask = np.zeros((3000, 4000), np.uint8)
    for number in range(50):
        row, column = divmod(number, 10)
        cv2.circle(mask, (200 + 400 * column, 300 + 600 * row), 30, 255, cv2.FILLED)
    started = process_time()
    _fill_photograph(mask, models)
    return process_time() - started


def _fill_photograph(mask: Pixels, models: ModelCache) -> None:
    pixels = cv2.resize(photo("coffee"), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    params = InpaintParams(model=Filler.PATCHMATCH)
    fill_holes(Picture(np.asarray(pixels)), mask, params, models, Report())


if __name__ == "__main__":
    main()
