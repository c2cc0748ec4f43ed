from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from studio.imaging.guided import guided_upsample
from studio.imaging.picture import Pixels


def upsampled(
    values: npt.NDArray[np.float64], pixels: Pixels, epsilon: float = 2.0
) -> npt.NDArray[np.float32]:
    height, width = values.shape
    reduced = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))
    return np.asarray(
        guided_upsample(values, reduced.astype(np.uint8), pixels, radius_px=2, epsilon=epsilon)
    )


def noise(height: int = 60, width: int = 80) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_upsampled_straight_function_of_colour_is_exact_at_full_size() -> None:
    pixels = noise()
    weights, offset = np.array([0.5, -0.25, 1.0]), 7.0
    reduced = cv2.resize(pixels, (40, 30), interpolation=cv2.INTER_AREA)

    full = upsampled(np.asarray(reduced @ weights + offset), pixels, epsilon=1e-6)

    # The reduced colours are rounded to whole levels, their values with them.
    assert np.abs(full - (pixels @ weights + offset)).max() < 0.01


def test_upsampled_edge_lies_where_the_picture_has_it() -> None:
    pixels = np.full((60, 90, 3), 30, np.uint8)
    pixels[:, 50:] = 200
    values = np.zeros((20, 30))
    values[:, 17:] = 255
    values[:, 16] = 85  # columns 48 to 50 of the picture: one of three is bright

    full = upsampled(values, pixels)

    assert np.abs(full[:, :50]).max() < 1
    assert np.abs(full[:, 50:] - 255).max() < 1


@pytest.mark.parametrize("level", [0, 20, 255])
def test_upsampled_where_the_picture_is_flat_is_smooth(level: int) -> None:
    pixels = np.full((60, 80, 3), level, np.uint8)
    values = np.tile(np.linspace(0, 255, 40), (30, 1))

    full = upsampled(values, pixels)

    assert full.shape == (60, 80)
    assert full.min() > -0.01
    assert 235 < full.max() < 255.01
    assert np.all(np.diff(full[30]) > -0.01)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1)])
def test_upsampled_tiny_values_are_finite(shape: tuple[int, int]) -> None:
    full = upsampled(np.full(shape, 99.0), noise(14, 18))
    assert np.abs(full - 99).max() < 0.01
