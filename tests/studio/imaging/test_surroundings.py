from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.imaging.blend import composite
from studio.imaging.surroundings import blur_background, fill_hidden

RED = np.array([255, 0, 0], np.uint8)
BLUE = np.array([0, 0, 255], np.uint8)


def soft_disc(side_px: int = 240, radius_px: int = 60) -> np.ndarray:
    disc = np.zeros((side_px, side_px), np.uint8)
    cv2.circle(disc, (side_px // 2, side_px // 2), radius_px, 255, -1)
    return cv2.GaussianBlur(disc, (0, 0), 2)


@pytest.mark.parametrize("sigma_px", [1, 5, 12, 100])
def test_blur_background_around_a_red_subject_shows_no_red(sigma_px: float) -> None:
    alpha = soft_disc()
    picture = composite(np.broadcast_to(RED, (*alpha.shape, 3)), alpha, BLUE)

    blurred = blur_background(picture, alpha, sigma_px)

    assert np.abs(blurred.astype(int) - BLUE).max() <= 2


def test_blur_background_far_from_the_subject_is_a_gaussian() -> None:
    rng = np.random.default_rng(7)
    picture = rng.integers(0, 256, (240, 240, 3), dtype=np.uint8)
    alpha = soft_disc(radius_px=20)

    blurred = blur_background(picture, alpha, 3)

    expected = cv2.GaussianBlur(picture, (0, 0), 3, borderType=cv2.BORDER_REPLICATE)
    assert np.array_equal(blurred[:60], expected[:60])


def test_blur_background_wide_blur_keeps_its_spread() -> None:
    """A white line blurred on the reduced picture spreads as the Gaussian of that sigma."""
    picture = np.zeros((301, 301, 3), np.uint8)
    picture[:, 141:160] = 255
    alpha = np.zeros((301, 301), np.uint8)

    blurred = blur_background(picture, alpha, 30)

    expected = cv2.GaussianBlur(picture, (0, 0), 30, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(blurred.astype(int) - expected).max() <= 3


def test_blur_background_of_a_picture_that_is_all_subject_still_answers() -> None:
    picture = np.full((20, 30, 3), 90, np.uint8)

    blurred = blur_background(picture, np.full((20, 30), 255, np.uint8), 12)

    assert np.array_equal(blurred, picture)


def test_fill_hidden_black_under_transparency_takes_the_visible_colour() -> None:
    alpha = soft_disc()
    picture = np.zeros((*alpha.shape, 3), np.uint8)
    picture[alpha > 0] = (10, 200, 30)

    filled = fill_hidden(picture, alpha)

    assert np.abs(filled.astype(int) - (10, 200, 30)).max() <= 2


def test_fill_hidden_leaves_visible_pixels_alone() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    alpha = rng.choice(np.array([0, 1, 255], np.uint8), (50, 70))

    filled = fill_hidden(picture, alpha)

    assert np.array_equal(filled[alpha > 0], picture[alpha > 0])


@given(
    st.integers(1, 40),
    st.integers(1, 300),
    st.sampled_from([0, 128, 255]),
    st.sampled_from([1.0, 7.5, 12.0, 100.0]),
)
@settings(max_examples=40, deadline=None)
def test_blur_background_of_one_colour_is_that_colour_at_any_size(
    height_px: int, width_px: int, alpha: int, sigma_px: float
) -> None:
    picture = np.full((height_px, width_px, 3), 77, np.uint8)
    level = np.full((height_px, width_px), alpha, np.uint8)
    level[:, : width_px // 2] = 0

    assert (blur_background(picture, level, sigma_px) == 77).all()
    assert (fill_hidden(picture, level) == 77).all()
