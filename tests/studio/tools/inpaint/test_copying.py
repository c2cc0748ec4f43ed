from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.imaging.picture import Pixels
from studio.report import Report
from studio.tools.inpaint.copying import copy_patches
from studio.tools.inpaint.levels import first_level, halved, open_patches

pytestmark = pytest.mark.slow


def hole_in(height: int, width: int, radius_px: int) -> Pixels:
    mask = np.zeros((height, width), np.uint8)
    return np.asarray(cv2.circle(mask, (width // 2, height // 2), radius_px, 255, -1))


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(80, 170, (height, width, 3)).astype(np.uint8)


def stripes(height: int, width: int) -> Pixels:
    columns = np.arange(width) // 8 % 2 * 120 + 60
    return np.broadcast_to(columns[np.newaxis, :, np.newaxis], (height, width, 3)).astype(np.uint8)


def copied(
    pixels: Pixels, hole: Pixels, seed: int = 0, sizes: int = 3, spared: Pixels | None = None
) -> Pixels:
    """Filled from a rough filling of one colour."""
    levels = [first_level(pixels, hole, np.zeros_like(hole) if spared is None else spared)]
    while len(levels) < sizes:
        levels.append(halved(levels[-1]))
    rough = levels[-1].layers[..., :3].astype(np.uint8)
    rough[levels[-1].hole > 0] = pixels.mean(axis=(0, 1))
    return copy_patches(levels, rough, seed, Report())


@pytest.mark.parametrize("shape", [(90, 120), (91, 121), (120, 83)])
def test_copy_patches_keeps_what_is_open_in_any_size(shape: tuple[int, int]) -> None:
    pixels, hole = noise(*shape), hole_in(*shape, 20)
    filled = copied(pixels, hole)
    assert filled.shape == pixels.shape
    assert filled.dtype == np.uint8
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])


def test_copy_patches_shows_nothing_of_what_was_in_the_hole() -> None:
    pixels, hole = noise(120, 120), hole_in(120, 120, 24)
    other = pixels.copy()
    other[hole > 0] = (255, 0, 255)
    levels = [first_level(picture, hole, np.zeros_like(hole)) for picture in (pixels, other)]
    assert np.array_equal(levels[0].layers, levels[1].layers)


def test_copy_patches_keeps_the_grain_of_noise() -> None:
    pixels, hole = noise(160, 160), hole_in(160, 160, 30)
    grain = copied(pixels, hole)[hole > 0].std()
    assert 0.8 < grain / pixels.std() < 1.2


def test_copy_patches_continues_stripes_from_a_flat_guess() -> None:
    truth, hole = stripes(160, 160), hole_in(160, 160, 20)
    wrong = np.abs(copied(truth, hole, sizes=2).astype(int) - truth)[hole > 0] > 60
    assert wrong.mean() < 0.1


@pytest.mark.parametrize("sizes", [1, 3])
def test_copy_patches_takes_nothing_from_what_is_spared(sizes: int) -> None:
    pixels, hole = noise(160, 161), hole_in(160, 161, 24)
    pixels[:, :80] = (255, 0, 255)
    spared = np.zeros_like(hole)
    spared[:, :80] = 255

    def magenta_share(filled: Pixels) -> float:
        return float((filled[hole > 0, 1] < 20).mean())

    assert magenta_share(copied(pixels, hole, sizes=sizes)) > 0.1
    assert magenta_share(copied(pixels, hole, sizes=sizes, spared=spared)) == 0


def test_copy_patches_of_a_large_hole_depends_on_the_seed_and_on_nothing_else() -> None:
    pixels, hole = noise(420, 420), hole_in(420, 420, 90)
    first = copied(pixels, hole, seed=1)
    assert np.array_equal(first, copied(pixels, hole, seed=1))
    assert not np.array_equal(first, copied(pixels, hole, seed=2))


def test_halved_averages_only_what_is_open() -> None:
    pixels = np.full((6, 7, 3), 200, np.uint8)
    hole = np.zeros((6, 7), np.uint8)
    hole[0, 0] = 255
    half = halved(first_level(pixels, hole, np.zeros_like(hole)))
    assert half.hole.shape == (3, 4)
    assert np.argwhere(half.hole).tolist() == [[0, 0]]
    assert (half.layers[..., :3] == 200).all()


def test_halved_spares_whatever_shows_something_spared() -> None:
    spared = np.zeros((6, 7), np.uint8)
    spared[3, 6] = 255
    half = halved(first_level(noise(6, 7), np.zeros_like(spared), spared))
    assert np.argwhere(half.spared).tolist() == [[1, 3]]


def test_open_patches_are_whole_and_inside_of_the_picture() -> None:
    hole = np.zeros((20, 30), np.uint8)
    hole[10, 15] = 255
    found = open_patches(hole)
    expected = np.zeros((20, 30), bool)
    expected[3:-3, 3:-3] = True
    expected[7:14, 12:19] = False
    assert np.array_equal(found, expected)
