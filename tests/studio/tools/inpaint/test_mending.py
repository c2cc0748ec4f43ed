from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.imaging.picture import Pixels
from studio.tools.inpaint.mending import mend


def scratched(truth: Pixels) -> tuple[Pixels, Pixels]:
    height, width = truth.shape[:2]
    hole = np.zeros((height, width), np.uint8)
    cv2.line(hole, (5, 8), (width - 6, height - 12), 255, 4)
    return np.where(hole[..., np.newaxis] > 0, np.uint8(0), truth), hole


def textures() -> dict[str, Pixels]:
    rows, columns = np.mgrid[:120, :150]
    greys = {
        "flat": np.full(rows.shape, 140),
        "gradient": rows + columns / 2,
        "stripes": 127 + 90 * np.sin(columns * 2 * np.pi / 12),
        "edge": np.where(columns > 75, 200, 60),
    }
    return {
        name: np.repeat(grey.astype(np.uint8)[..., np.newaxis], 3, axis=2)
        for name, grey in greys.items()
    }


@pytest.mark.parametrize(
    ("name", "most"), [("flat", 0.5), ("gradient", 1.5), ("stripes", 6), ("edge", 6)]
)
def test_mend_comes_near_to_a_texture_that_is_known(name: str, most: float) -> None:
    truth = textures()[name]
    damaged, hole = scratched(truth)
    mended = mend(damaged, hole)
    assert np.abs(mended.astype(int) - truth)[hole > 0].mean() <= most
    assert np.array_equal(mended[hole == 0], truth[hole == 0])


@pytest.mark.parametrize("shape", [(1, 2), (1, 40), (6, 6), (17, 200), (200, 7)])
def test_mend_of_a_tiny_picture_takes_the_colour_of_its_edges(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 120, np.uint8)
    for column in (0, shape[1] // 2, shape[1] - 1):
        hole = np.zeros(shape, np.uint8)
        hole[-1, column] = 255
        damaged = np.where(hole[..., np.newaxis] > 0, np.uint8(0), pixels)
        assert np.abs(mend(damaged, hole).astype(int) - 120).max() <= 2


def test_mend_from_a_single_open_pixel_repeats_it() -> None:
    hole = np.full((30, 30), 255, np.uint8)
    hole[3, 4] = 0
    pixels = np.zeros((30, 30, 3), np.uint8)
    pixels[3, 4] = (200, 100, 50)
    mended = mend(pixels, hole)
    assert tuple(mended[3, 4]) == (200, 100, 50)
    assert mended.shape == pixels.shape
