from __future__ import annotations

import numpy as np
import pytest

from studio.imaging.picture import Pixels
from studio.imaging.trimap import BACKGROUND, FOREGROUND, UNKNOWN, make_trimap, shrink_trimap


def half(soft: int = 0) -> Pixels:
    """Subject on the left; ``soft`` columns of level 100 before the background."""
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:, :30] = 255
    alpha[:, 30 : 30 + soft] = 100
    return alpha


def trimap_of(alpha: Pixels, erode_size_px: int) -> Pixels:
    return make_trimap(
        alpha, foreground_threshold=240, background_threshold=10, erode_size_px=erode_size_px
    )


def test_trimap_without_erosion_doubts_what_lies_between_the_thresholds() -> None:
    trimap = trimap_of(half(soft=4), 0)

    assert np.all(trimap[:, :30] == FOREGROUND)
    assert np.all(trimap[:, 30:34] == UNKNOWN)
    assert np.all(trimap[:, 34:] == BACKGROUND)


@pytest.mark.parametrize("size_px", [1, 2, 9, 10])
def test_trimap_erosion_widens_the_band_by_its_size(size_px: int) -> None:
    band = (trimap_of(half(), size_px) == UNKNOWN)[20]

    assert band.sum() == size_px - 1
    assert band[29:31].any() == (size_px > 1)


@pytest.mark.parametrize("size_px", [11, 25, 60, 100])
def test_trimap_erosion_of_a_large_square_keeps_the_middle_of_thin_parts(size_px: int) -> None:
    alpha = np.zeros((400, 400), np.uint8)
    alpha[250:, 40:360] = 255  # shoulders
    alpha[130:250, 170:230] = 255  # neck
    alpha[40:130, 150:240] = 255  # head

    trimap = trimap_of(alpha, size_px)

    assert np.all(trimap[65:105, 175:215] == FOREGROUND)
    assert np.all(trimap[160:240, 190:210] == FOREGROUND)
    band = trimap[330, 40 : 40 + size_px] == UNKNOWN
    assert band.sum() == size_px // 2, "where there is room the whole square is taken"


def test_trimap_erosion_of_a_large_square_keeps_the_background_in_a_gap() -> None:
    alpha = np.full((400, 400), 255, np.uint8)
    alpha[:, 170:230] = 0

    trimap = trimap_of(alpha, 100)

    assert np.all(trimap[:, 190:210] == BACKGROUND)
    assert np.all(trimap[:, 165:175] == UNKNOWN)


@pytest.mark.parametrize("size_px", [10, 11, 15, 25, 60, 100])
def test_trimap_erosion_leaves_of_each_width_what_it_promises(size_px: int) -> None:
    for width_px in range(1, 60):
        alpha = np.zeros((300, 300), np.uint8)
        alpha[:, 100 : 100 + width_px] = 255
        kept = (trimap_of(alpha, size_px)[150] == FOREGROUND).sum()
        if width_px < 19:
            assert kept == max(width_px - 9, 0)
        else:
            assert kept >= width_px / 2


@pytest.mark.parametrize("size_px", [10, 11, 15, 25, 60, 100])
def test_trimap_erosion_takes_more_of_what_slants(size_px: int) -> None:
    y, x = np.mgrid[:300, :300]
    for width_px in range(8, 60):
        # Across the middle row a strip at 45° is wider than itself by the root of two.
        across = np.abs(x - y) <= width_px / np.sqrt(2)
        trimap = trimap_of(across.astype(np.uint8) * 255, size_px)
        kept_px = (trimap[150] == FOREGROUND).sum() / np.sqrt(2)
        assert (kept_px == 0) == (width_px <= 12)
        if width_px >= 27:
            assert kept_px >= width_px / 2 - 1, "but for the stairs of its edge"


def test_trimap_erosion_of_the_usual_size_spares_no_strand_of_hair() -> None:
    alpha = np.zeros((100, 100), np.uint8)
    alpha[:, 50:59] = 255
    assert not (trimap_of(alpha, 10) == FOREGROUND).any()


def test_trimap_border_of_the_picture_is_no_edge() -> None:
    trimap = trimap_of(half(), 10)

    assert np.all(trimap[[0, -1], :20] == FOREGROUND)
    assert np.all(trimap[:, 0] == FOREGROUND)
    assert np.all(trimap[:, -1] == BACKGROUND)


def test_shrunk_trimap_is_certain_only_where_all_agree() -> None:
    trimap = np.full((8, 8), FOREGROUND, np.uint8)
    trimap[:4] = BACKGROUND
    trimap[0, 0] = trimap[7, 7] = UNKNOWN

    shrunk = shrink_trimap(trimap, 4, 4)

    expected = np.full((4, 4), FOREGROUND, np.uint8)
    expected[:2] = BACKGROUND
    expected[0, 0] = expected[3, 3] = UNKNOWN
    assert np.array_equal(shrunk, expected)


def test_shrunk_trimap_of_an_edge_without_a_band_doubts_the_edge() -> None:
    trimap = np.full((6, 9), FOREGROUND, np.uint8)
    trimap[:, :4] = BACKGROUND

    shrunk = shrink_trimap(trimap, 3, 2)

    assert shrunk[0].tolist() == [BACKGROUND, UNKNOWN, FOREGROUND]
