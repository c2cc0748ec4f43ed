from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from studio.imaging.grey import find_tone, is_grey, without_colour
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


SEPIA = np.array([1.07, 0.98, 0.82])


def toned(pixels: Pixels, noise_levels: float = 2) -> Pixels:
    """As a scanner sees a toned print: the tone is weaker in the lights, and there is noise."""
    light = without_colour(pixels).astype(float)
    tone = 1 + (SEPIA - 1) * (1 - light / 400)
    noise = np.random.default_rng(2).normal(0, noise_levels, pixels.shape)
    return np.clip(np.rint(light * tone + noise), 0, 255).astype(np.uint8)


def test_find_tone_of_grey_gives_grey() -> None:
    tone = find_tone(levels())
    assert tone is not None
    colours = np.array([[[255, 0, 0], [10, 200, 90]]], np.uint8)
    assert np.array_equal(tone.applied(colours), without_colour(colours))


def test_find_tone_of_a_toned_photograph_gives_its_tone() -> None:
    photo = toned(data.astronaut()[:300, :300])
    tone = find_tone(photo)
    assert tone is not None
    painted = tone.applied(data.coffee()).astype(float)
    expected = toned(data.coffee(), noise_levels=0)
    lit = (expected > 30).all(axis=2) & (expected < 235).all(axis=2)
    assert np.abs(painted - expected)[lit].max() <= 6


@pytest.mark.parametrize("cast", [(2, 0, -3), (0, 1, 0)])
def test_find_tone_of_a_nearly_grey_photograph_is_found(cast: tuple[int, int, int]) -> None:
    grey = without_colour(data.astronaut()[:200, :200]).astype(int)
    assert find_tone(np.clip(grey + cast, 0, 255).astype(np.uint8)) is not None


def test_find_tone_of_a_photograph_with_colours_is_none() -> None:
    assert find_tone(data.astronaut()) is None


@pytest.mark.parametrize("colour", [(255, 0, 0), (120, 128, 140)])
def test_find_tone_of_grey_with_a_small_coloured_thing_is_none(
    colour: tuple[int, int, int],
) -> None:
    photo = without_colour(data.astronaut()).copy()
    photo[100:112, 200:212] = colour
    assert find_tone(photo) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (3, 2)])
def test_find_tone_takes_every_size(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert find_tone(without_colour(pixels)) is not None
    tone = find_tone(pixels)
    assert tone is None or tone.applied(pixels).shape == pixels.shape


def test_tone_applied_where_changed_leaves_the_rest_alone() -> None:
    photo = toned(data.astronaut()[:64, :64])
    tone = find_tone(photo)
    assert tone is not None
    changed = photo.copy()
    changed[10:20, 10:20] = (200, 40, 40)
    result = tone.applied_where_changed(changed, photo)
    assert np.array_equal(result[20:], photo[20:])
    assert np.abs(result[15, 15].astype(int) - (200, 40, 40)).max() > 20
