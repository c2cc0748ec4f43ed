from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from studio.imaging.detail import return_detail
from studio.imaging.resample import resample
from tests.metrics import psnr_db


def photo(side_px: int = 400) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(data.astronaut()[:side_px, :side_px])


def test_return_detail_of_an_untouched_picture_brings_the_large_one_back() -> None:
    large = photo()
    small = resample(large, 200, 200)
    enlarged = cv2.resize(small, (400, 400), interpolation=cv2.INTER_CUBIC)
    found = return_detail(small, small, large)
    assert psnr_db(found, large) > psnr_db(enlarged, large) + 3


def test_return_detail_of_what_was_drawn_flat_stays_flat() -> None:
    chance = np.random.default_rng(1)
    large = chance.integers(90, 160, (120, 120, 3), dtype=np.uint8)
    small = resample(large, 60, 60)
    drawn = np.full_like(small, 125)
    assert np.array_equal(return_detail(drawn, small, large), np.full_like(large, 125))


def test_return_detail_keeps_drawn_colours() -> None:
    large = photo()
    small = resample(large, 200, 200)
    drawn = small[..., ::-1].copy()
    means = return_detail(drawn, small, large).mean(axis=(0, 1))
    assert means == pytest.approx(drawn.mean(axis=(0, 1)), abs=1)


@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    small_width=st.integers(1, 40),
    small_height=st.integers(1, 40),
)
def test_return_detail_has_the_size_of_the_large_picture(
    width: int, height: int, small_width: int, small_height: int
) -> None:
    large = np.ascontiguousarray(photo()[:height, :width])
    small = resample(large, small_width, small_height)
    found = return_detail(255 - small, small, large)
    assert found.shape == large.shape
    assert found.dtype == np.uint8
