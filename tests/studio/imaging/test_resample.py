from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.imaging.resample import cover, resample


@given(*[st.integers(1, 60)] * 4)
@settings(max_examples=40, deadline=None)
def test_resample_of_one_colour_keeps_it_at_any_size(h: int, w: int, to_h: int, to_w: int) -> None:
    picture = np.full((h, w, 3), (3, 140, 250), np.uint8)

    resized = resample(picture, to_w, to_h)

    assert resized.shape == (to_h, to_w, 3)
    assert (resized == (3, 140, 250)).all()


def test_resample_smaller_averages_instead_of_skipping() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255

    small = resample(stripes, 8, 8)

    assert np.abs(small.astype(int) - 127).max() <= 16


@pytest.mark.parametrize(("shape", "size"), [((100, 400), (50, 50)), ((400, 100), (50, 50))])
def test_cover_keeps_the_centre_and_the_proportions(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    """A centred black square stays a centred square; the far ends are cut away."""
    picture = np.full((*shape, 3), 255, np.uint8)
    middle_y, middle_x = shape[0] // 2, shape[1] // 2
    picture[middle_y - 26 : middle_y + 26, middle_x - 26 : middle_x + 26] = 0

    covered = cover(picture, *size)

    assert covered.shape == (50, 50, 3)
    dark = covered[..., 0] < 128
    assert dark[12:38, 12:38].all()
    assert dark.sum() == 26 * 26


@given(st.tuples(*[st.integers(1, 300)] * 4))
def test_cover_of_any_size_by_any_size_fits(sizes: tuple[int, int, int, int]) -> None:
    height, width, height_px, width_px = sizes
    pixels = np.full((height, width, 3), 77, np.uint8)
    covered = cover(pixels, width_px, height_px)
    assert covered.shape == (height_px, width_px, 3)
    assert (covered == 77).all()
