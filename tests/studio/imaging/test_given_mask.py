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


def test_mask_levels_of_an_alpha_that_says_nothing_are_those_of_the_drawing() -> None:
    for level in (0, 128):
        picture = Picture(coloured((0, 0, 0), (255, 0, 0)), np.full_like(_SHAPE, level))
        levels, note = mask_levels(picture)
        assert np.array_equal(levels, _FULL)
        assert "colour" in str(note)


def test_mask_levels_of_one_level_mask_nothing_by_themselves() -> None:
    levels, _ = mask_levels(Picture(np.zeros((4, 4, 3), np.uint8)))
    assert not levels.any()
