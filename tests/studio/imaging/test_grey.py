from __future__ import annotations

import numpy as np
import pytest

from studio.imaging.grey import is_grey, without_colour
from studio.imaging.picture import Pixels


def levels(height: int = 16, width: int = 16) -> Pixels:
    """Every grey there is."""
    ramp = np.arange(height * width, dtype=np.uint8).reshape(height, width, 1)
    return ramp.repeat(3, axis=2)


def test_is_grey_of_equal_channels_is_true() -> None:
    assert is_grey(levels())


@pytest.mark.parametrize("channel", range(3))
def test_is_grey_of_one_level_in_one_pixel_is_false(channel: int) -> None:
    pixels = levels()
    pixels[3, 5, channel] += 1
    assert not is_grey(pixels)


def test_without_colour_leaves_grey_as_it_is() -> None:
    assert np.array_equal(without_colour(levels()), levels())


def test_without_colour_keeps_the_lightness_of_each_colour() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert without_colour(colours)[0, :, 0].tolist() == [76, 150, 29]
    assert is_grey(without_colour(colours))
