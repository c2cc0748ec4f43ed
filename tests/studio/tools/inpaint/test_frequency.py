from __future__ import annotations

import numpy as np
import pytest

from studio.tools.inpaint.frequency import extrapolate


@pytest.mark.parametrize("height", [1, 5, 15, 16, 17, 31, 33, 65])
@pytest.mark.parametrize("width", [2, 16, 17, 40])
def test_extrapolate_leaves_nothing_black_in_any_corner_of_any_size(
    height: int, width: int
) -> None:
    """OpenCV fills whole blocks of 16 px alone."""
    for row, column in ((0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)):
        pixels = np.full((height, width, 3), (200, 120, 60), np.uint8)
        hole = np.zeros((height, width), np.uint8)
        hole[row, column] = 255
        pixels[row, column] = 0
        filled = extrapolate(pixels, hole)
        assert np.abs(filled.astype(int) - (200, 120, 60)).max() <= 2


def test_extrapolate_continues_stripes() -> None:
    columns = np.arange(96)
    stripes = (127 + 90 * np.sin(columns * 2 * np.pi / 8)).astype(np.uint8)
    truth = np.repeat(np.tile(stripes, (80, 1))[..., np.newaxis], 3, axis=2)
    hole = np.zeros((80, 96), np.uint8)
    hole[30:34, 10:90] = 255
    damaged = np.where(hole[..., np.newaxis] > 0, np.uint8(0), truth)
    filled = extrapolate(damaged, hole)
    assert np.abs(filled.astype(int) - truth).mean() < 2
    assert np.array_equal(filled[hole == 0], truth[hole == 0])
