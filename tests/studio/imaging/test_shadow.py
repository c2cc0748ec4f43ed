from __future__ import annotations

import numpy as np
import pytest

from studio.imaging.picture import Pixels
from studio.imaging.shadow import shadow_alpha, shadow_reach_px


def square() -> Pixels:
    alpha = np.zeros((120, 160), np.uint8)
    alpha[40:80, 60:100] = 255
    return alpha


def test_shadow_without_blur_is_the_subject_moved_and_weakened() -> None:
    shadow = shadow_alpha(square(), x_px=7, y_px=-5, sigma_px=0, opacity=0.4)

    expected = np.zeros((120, 160), np.uint8)
    expected[35:75, 67:107] = 102
    assert np.array_equal(shadow, expected)


@pytest.mark.parametrize("sigma_px", [2, 6])
def test_shadow_is_soft_and_keeps_its_amount(sigma_px: float) -> None:
    shadow = shadow_alpha(square(), x_px=0, y_px=0, sigma_px=sigma_px, opacity=1)

    assert shadow.sum(dtype=float) == pytest.approx(square().sum(dtype=float), rel=0.05)
    profile = shadow[60, 80:].astype(int)
    assert np.all(np.diff(profile) <= 0)
    assert profile[19:21].mean() == pytest.approx(128, abs=4)


def test_shadow_of_a_cut_subject_goes_on_beyond_the_border() -> None:
    alpha = np.zeros((60, 60), np.uint8)
    alpha[30:] = 255
    shadow = shadow_alpha(alpha, x_px=0, y_px=-20, sigma_px=4, opacity=1)
    assert np.all(shadow[-5:] == 255)


def test_shadow_reach_is_where_the_last_of_it_shows() -> None:
    left, top, right, bottom = shadow_reach_px(10, -4, 5)
    assert (left, top, right, bottom) == (5, 19, 25, 11)

    shadow = shadow_alpha(square(), x_px=10, y_px=-4, sigma_px=5, opacity=1) > 1
    rows, columns = np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0))
    assert columns[0] >= 60 - left
    assert columns[-1] < 100 + right
    assert rows[0] >= 40 - top
    assert rows[-1] < 80 + bottom
