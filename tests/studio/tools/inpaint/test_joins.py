from __future__ import annotations

import numpy as np
import pytest

from studio.tools.inpaint.joins import bend_to_meet

HEIGHT_PX, WIDTH_PX = 70, 60


def pieces(light: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A hole in a grey wall; its left half comes from above, the right one from below, where it
    is lighter."""
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    wall = np.full((HEIGHT_PX, WIDTH_PX, 3), 100, np.float32)
    wall[46:] += light
    hole = np.zeros((HEIGHT_PX, WIDTH_PX), bool)
    hole[24:44, 15:45] = True
    source = rows * WIDTH_PX + columns
    source[hole] += np.where(columns[hole] < 30, -22, 24) * WIDTH_PX
    copied = wall.reshape(-1, 3)[source]
    return copied, hole, source


def steps_across(picture: np.ndarray) -> np.ndarray:
    """Along the middle row, at the seam of the pieces and at the right edge of the hole."""
    return np.abs(np.diff(picture[34, :, 0]))[[29, 44]]


def test_bend_to_meet_evens_out_a_small_step_between_pieces() -> None:
    copied, hole, source = pieces(light=6)
    met = bend_to_meet(copied, hole, source)
    assert steps_across(copied).min() == 6
    assert steps_across(met).max() < 2
    assert np.array_equal(met[~hole], copied[~hole])
    assert met.dtype == np.float32


def test_bend_to_meet_keeps_a_large_step_for_an_edge() -> None:
    copied, hole, source = pieces(light=60)
    assert np.array_equal(bend_to_meet(copied, hole, source), copied)


@pytest.mark.parametrize("light", [3, 12, 16])
def test_bend_to_meet_changes_pixels_within_bounds(light: float) -> None:
    copied, hole, source = pieces(light)
    change = np.abs(bend_to_meet(copied, hole, source) - copied).max()
    assert 0.4 * light < change <= 16


def test_bend_to_meet_of_pieces_that_fit_changes_nothing() -> None:
    copied, hole, source = pieces(light=0)
    assert np.array_equal(bend_to_meet(copied, hole, source), copied)


def test_bend_to_meet_of_a_hole_at_the_rim_of_the_picture_stays_in_bounds() -> None:
    copied = np.random.default_rng(0).uniform(90, 110, (17, 5, 3)).astype(np.float32)
    hole = np.zeros((17, 5), bool)
    hole[9:] = True
    source = np.arange(85).reshape(17, 5)
    source[hole] -= 45
    met = bend_to_meet(copied, hole, source)
    assert np.isfinite(met).all()
    assert np.array_equal(met[~hole], copied[~hole])
