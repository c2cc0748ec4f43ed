from __future__ import annotations

import numpy as np
import pytest

from studio.imaging.given_mask import mask_levels
from studio.imaging.picture import Picture, Pixels

_SHAPE = np.zeros((6, 8), np.uint8)
_SHAPE[2:4, 3:6] = 1
_FULL = _SHAPE * np.uint8(255)


def coloured(off: tuple[int, int, int], on: tuple[int, int, int]) -> Pixels:
    return np.where(_SHAPE[..., np.newaxis] > 0, on, off).astype(np.uint8)


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ((0, 0, 0), (1, 1, 1)),
        ((0, 0, 0), (127, 127, 127)),
        ((0, 0, 0), (255, 0, 0)),
        ((0, 0, 0), (128, 0, 0)),
        ((0, 0, 0), (0, 0, 255)),
        ((200, 200, 200), (255, 255, 255)),
        ((255, 0, 0), (255, 255, 255)),
    ],
)
def test_mask_levels_of_a_mask_of_two_levels_are_nothing_and_all(
    off: tuple[int, int, int], on: tuple[int, int, int]
) -> None:
    levels, _ = mask_levels(Picture(coloured(off, on)))
    assert np.array_equal(levels, _FULL)


def test_mask_levels_of_soft_grey_are_kept_without_a_note() -> None:
    soft = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    levels, note = mask_levels(Picture(np.dstack([soft] * 3)))
    assert np.array_equal(levels, soft)
    assert note is None


def test_mask_levels_of_an_alpha_that_varies_are_its_own() -> None:
    levels, note = mask_levels(Picture(coloured((9, 9, 9), (9, 9, 9)), _SHAPE * np.uint8(90)))
    assert np.array_equal(levels, _FULL)
    assert "transparency" in str(note)


@pytest.mark.parametrize("hidden", [(255, 255, 255), (0, 0, 0), (9, 90, 200)])
def test_mask_levels_of_black_and_white_with_an_erased_blot_are_those_of_its_colours(
    hidden: tuple[int, int, int],
) -> None:
    pixels, opacity = coloured((0, 0, 0), (255, 255, 255)), np.full_like(_SHAPE, 255)
    pixels[0, :2], opacity[0, :2] = hidden, 0
    levels, note = mask_levels(Picture(pixels, opacity))
    assert np.array_equal(levels, _FULL)
    assert "transparent counts as black" in str(note)


def test_mask_levels_of_white_that_was_half_erased_are_halved() -> None:
    opacity = np.full_like(_SHAPE, 255)
    opacity[3, 4] = 128
    levels, _ = mask_levels(Picture(coloured((0, 0, 0), (255, 255, 255)), opacity))
    assert (levels[3, 4], levels[2, 4], levels[0, 0]) == (128, 255, 0)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255)])
def test_mask_levels_of_a_silhouette_are_its_transparency(colour: tuple[int, int, int]) -> None:
    levels, note = mask_levels(Picture(coloured((70, 80, 90), colour), _FULL))
    assert np.array_equal(levels, _FULL)
    assert str(note) == "The mask was read from its transparency."


def test_mask_levels_of_a_grey_photograph_cut_out_are_its_transparency() -> None:
    tones = np.linspace(0, 255, _SHAPE.size).astype(np.uint8).reshape(_SHAPE.shape)
    levels, note = mask_levels(Picture(np.dstack([tones] * 3), 255 - _FULL))
    assert np.array_equal(levels, 255 - _FULL)
    assert str(note) == "The mask was read from its transparency."


def test_mask_levels_of_an_alpha_that_says_nothing_are_those_of_the_drawing() -> None:
    for level in (0, 128):
        picture = Picture(coloured((0, 0, 0), (255, 0, 0)), np.full_like(_SHAPE, level))
        levels, note = mask_levels(picture)
        assert np.array_equal(levels, _FULL)
        assert "colour" in str(note)


def test_mask_levels_of_one_level_mask_nothing_by_themselves() -> None:
    levels, _ = mask_levels(Picture(np.zeros((4, 4, 3), np.uint8)))
    assert not levels.any()
