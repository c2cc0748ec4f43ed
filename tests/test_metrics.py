from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from studio.imaging.picture import Pixels
from tests.metrics import max_difference, psnr_db


def test_max_difference_does_not_wrap_round() -> None:
    first, second = np.array([[0, 250]], np.uint8), np.array([[255, 253]], np.uint8)
    assert max_difference(first, second) == 255
    assert max_difference(second, first) == 255
    assert max_difference(first, first) == 0


def test_psnr_of_equal_pictures_is_infinite_and_of_known_noise_is_known() -> None:
    flat = np.full((10, 10, 3), 100, np.uint8)
    assert psnr_db(flat, flat) == math.inf
    assert psnr_db(flat, flat + np.uint8(5)) == pytest.approx(20 * math.log10(255 / 5))


@pytest.mark.parametrize("measure", [max_difference, psnr_db])
def test_metrics_of_different_shapes_are_refused(
    measure: Callable[[Pixels, Pixels], float],
) -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        measure(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
