from __future__ import annotations

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import patchmatch
import pytest

from studio.errors import JobCancelledError
from studio.imaging.picture import Pixels
from studio.report import Report, Stage
from studio.tools.inpaint.patchmatch import fill, holds_patches

pytestmark = pytest.mark.slow


def disc(side_px: int, radius_px: int) -> Pixels:
    mask = np.zeros((side_px, side_px), np.uint8)
    return np.asarray(cv2.circle(mask, (side_px // 2, side_px // 2), radius_px, 255, -1))


def checker(side_px: int, field_px: int) -> Pixels:
    rows, columns = np.mgrid[:side_px, :side_px] // field_px
    grey = np.where((rows + columns) % 2, np.uint8(220), np.uint8(40))
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def fill_all(pixels: Pixels, hole: Pixels, seed: int = 0) -> Pixels:
    damaged = np.where(hole[..., np.newaxis] > 0, np.uint8(0), pixels)
    return fill(damaged, hole, np.zeros_like(hole), seed, Report())


@pytest.mark.parametrize("radius_px", [15, 90])
def test_fill_of_one_colour_is_that_colour(radius_px: int) -> None:
    pixels = np.full((4 * radius_px, 4 * radius_px, 3), (200, 100, 50), np.uint8)
    filled = fill_all(pixels, disc(4 * radius_px, radius_px))
    assert np.abs(filled.astype(int) - pixels).max() <= 1


def test_fill_continues_a_checkerboard() -> None:
    truth, hole = checker(160, 8), disc(160, 22)
    wrong = np.abs(fill_all(truth, hole).astype(int) - truth)[hole > 0] > 60
    assert wrong.mean() < 0.1


def test_fill_of_a_large_hole_keeps_the_grain_of_what_is_around() -> None:
    grain = np.random.default_rng(1).normal(128, 20, (420, 420, 3))
    pixels = np.clip(grain, 0, 255).astype(np.uint8)
    hole = disc(420, 100)
    filled = fill_all(pixels, hole)
    inside = disc(420, 90) > 0
    assert filled[inside].mean() == pytest.approx(128, abs=5)
    assert 0.6 < filled[inside].std() / pixels[inside].std() < 1.4


@pytest.mark.parametrize("radius_px", [30, 80])
def test_fill_shows_nothing_of_what_was_in_the_hole(radius_px: int) -> None:
    pixels = np.random.default_rng(2).integers(90, 130, (360, 360, 3)).astype(np.uint8)
    hole = disc(360, radius_px)
    pixels[hole > 0] = (255, 0, 255)
    filled = fill(pixels, hole, np.zeros_like(hole), 0, Report())
    assert filled.max() < 160
    assert filled.min() > 60
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])


@pytest.mark.parametrize("radius_px", [30, 80])
def test_fill_shows_nothing_of_what_is_spared_nor_is_guided_by_it(
    radius_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(2).integers(90, 130, (360, 360, 3)).astype(np.uint8)
    spared, hole = np.zeros((360, 360), np.uint8), disc(360, radius_px)
    spared[:, 180 + radius_px // 2 :] = 255
    pixels[spared > 0] = (255, 0, 255)
    reddest: list[int] = []

    def fill_roughly(small: Pixels, small_hole: Pixels, *args: Any, **options: Any) -> Pixels:
        rough = inpaint_regularity(small, small_hole, *args, **options)
        reddest.append(int(rough[small_hole > 0].max()))
        return np.asarray(rough)

    inpaint_regularity = patchmatch.inpaint_regularity
    monkeypatch.setattr(patchmatch, "inpaint_regularity", fill_roughly)
    filled = fill(pixels, hole, np.where(hole > 0, 0, spared).astype(np.uint8), 0, Report())
    assert filled[hole > 0].max() < 160
    assert filled[hole > 0].min() > 60
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])
    assert 0 < max(reddest) < 160


def test_fill_is_cancelled_between_two_searches() -> None:
    def stop(fraction: float, stage: Stage) -> None:
        if fraction > 0:
            raise JobCancelledError

    pixels, hole = checker(80, 8), disc(80, 12)
    with pytest.raises(JobCancelledError):
        fill(pixels, hole, np.zeros_like(hole), 0, Report(stop))


_SCRIPT = """
import numpy as np
from studio.report import Report
from studio.tools.inpaint.patchmatch import fill, holds_patches

random = np.random.default_rng(0)
for side_px in (16, 40, 500):
    pixels = random.integers(100, 120, (side_px, side_px, 3)).astype(np.uint8)
    for rows, columns in (
        (slice(0, 14), slice(0, 14)),
        (slice(side_px - 14, None), slice(0, 14)),
        (slice(0, None), slice(0, 13)),
        (slice(0, 14), slice(1, None)),
    ):
        closed = np.full((side_px, side_px), 255, np.uint8)
        closed[rows, columns] = 0
        assert holds_patches(closed), (side_px, rows, columns)
        hidden = np.where(closed[..., np.newaxis] > 0, np.uint8(0), pixels)
        filled = fill(hidden, closed, np.zeros_like(closed), 0, Report())
        assert np.array_equal(filled[closed == 0], pixels[closed == 0])
        assert filled.min() >= 50, (side_px, rows, columns, filled.min())
"""


@pytest.mark.parametrize(
    ("open_height", "open_width", "holds"),
    [(14, 14, True), (13, 14, False), (6, 40, False), (7, 40, False), (9, 40, True), (0, 0, False)],
)
def test_holds_patches_asks_for_enough_whole_ones(
    open_height: int, open_width: int, holds: bool
) -> None:
    closed = np.full((60, 60), 255, np.uint8)
    closed[5 : 5 + open_height, 5 : 5 + open_width] = 0
    assert holds_patches(closed) == holds


def test_fill_from_almost_nothing_neither_crashes_nor_hangs() -> None:
    """In a process of its own: the search runs in native code."""
    subprocess.run([sys.executable, "-c", _SCRIPT], check=True, timeout=120)
