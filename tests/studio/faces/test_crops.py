from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.faces.crops import Square


@given(
    st.floats(-50, 250),
    st.floats(-50, 250),
    st.floats(1, 900),
    st.floats(-4, 4),
    st.sampled_from([64, 192]),
)
def test_square_of_any_place_maps_its_middle_to_its_centre(
    x: float, y: float, side_px: float, angle: float, size_px: int
) -> None:
    square = Square((x, y), side_px, angle)
    middle = np.array([[size_px / 2, size_px / 2, 7.0]], np.float32)
    point = square.points_to_picture(middle, size_px)[0]
    assert point[:2] == pytest.approx((x, y), abs=1e-2)
    assert point[2] == pytest.approx(7 * side_px / size_px, rel=1e-4)
    assert square.crop(np.zeros((20, 30, 3), np.uint8), size_px).shape == (size_px, size_px, 3)


@pytest.mark.parametrize("side_px", [30.0, 64.0, 200.0, 700.0])
@pytest.mark.parametrize("angle", [0.0, 0.6, 3.0])
def test_crop_shows_at_each_place_what_the_picture_has_there(side_px: float, angle: float) -> None:
    """A ramp of grey is its own ruler: each pixel says where in the picture it comes from."""
    ramp = np.tile(np.linspace(0, 255, 1024), (1024, 1)).astype(np.uint8)
    pixels = np.dstack([ramp, ramp.T, ramp])
    square = Square((500.0, 520.0), side_px, angle)

    crop = square.crop(pixels, 64)

    x, y = square.points_to_picture(np.array([[20, 40]], np.float32), 64)[0]
    assert crop[40, 20, :2] == pytest.approx(np.array([x, y]) * 255 / 1023, abs=1.5)
