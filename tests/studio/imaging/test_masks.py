from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.imaging.masks import feather, keep_largest, shift_edge, subject_box
from studio.imaging.picture import Pixels
from tests.metrics import max_difference


def _disc(
    radius_px: float,
    *,
    softness_px: float = 1,
    centre: tuple[float, float] = (64, 64),
    side_px: int = 128,
) -> Pixels:
    y, x = np.mgrid[0:side_px, 0:side_px]
    distance = np.hypot(x - centre[0], y - centre[1])
    ramp = np.clip((radius_px - distance) / softness_px + 0.5, 0, 1)
    return np.rint(ramp * 255).astype(np.uint8)


def _radius_px(alpha: Pixels) -> float:
    return float(np.sqrt(alpha.sum() / 255 / np.pi))


def _softness(alpha: Pixels) -> int:
    row = alpha[64]
    return int(((row > 12) & (row < 243)).sum())


# feather


def test_feather_of_zero_changes_nothing() -> None:
    assert max_difference(feather(_disc(30), 0), _disc(30)) == 0


def test_feather_softens_by_its_sigma_and_keeps_the_area() -> None:
    hard = _disc(30)
    widths = [_softness(feather(hard, sigma)) for sigma in (1, 3, 6)]
    # a Gaussian edge runs from 5 % to 95 % over 3.29 sigma, on both sides of the disc
    assert widths == pytest.approx([2 * 3.29 * s for s in (1, 3, 6)], abs=3)
    assert _radius_px(feather(hard, 3)) == pytest.approx(30, abs=0.1)


def test_feather_does_not_eat_the_border_of_the_picture() -> None:
    bust = np.zeros((100, 100), np.uint8)
    bust[40:, 20:80] = 255
    soft = feather(bust, 5)
    assert (soft[-1, 40:60] == 255).all()
    assert (feather(np.full((50, 50), 255, np.uint8), 20) == 255).all()


# shift_edge


@pytest.mark.parametrize("shift_px", [-20, -7.3, -2, -0.5, 0, 0.5, 2, 7.3, 20])
@pytest.mark.parametrize("softness_px", [1, 8])
def test_shift_edge_moves_a_round_edge_by_that_distance(
    shift_px: float, softness_px: float
) -> None:
    moved = shift_edge(_disc(34, softness_px=softness_px), shift_px)
    assert _radius_px(moved) == pytest.approx(34 + shift_px, abs=0.4)


@pytest.mark.parametrize("shift_px", [-3.75, -1, -0.25, 0.25, 1, 3.75])
def test_shift_edge_moves_a_straight_edge_exactly(shift_px: float) -> None:
    half = np.zeros((40, 40), np.uint8)
    half[:, :20] = 255
    moved = shift_edge(half, shift_px)
    assert moved.sum(axis=1) / 255 == pytest.approx(np.full(40, 20 + shift_px), abs=0.01)


@pytest.mark.parametrize("shift_px", [-6, -1.5, 1.5, 6])
def test_shift_edge_keeps_a_soft_edge_as_soft(shift_px: float) -> None:
    soft = _disc(34, softness_px=12)
    assert abs(_softness(shift_edge(soft, shift_px)) - _softness(soft)) <= 2


@given(
    first=st.floats(-6, 6, allow_nan=False),
    second=st.floats(-6, 6, allow_nan=False),
    seed=st.integers(0, 99),
)
def test_shift_edge_further_out_is_nowhere_less(first: float, second: float, seed: int) -> None:
    alpha = np.random.default_rng(seed).integers(0, 256, (24, 24), dtype=np.uint8)
    low, high = sorted((first, second))
    assert (shift_edge(alpha, low) <= shift_edge(alpha, high)).all()


def test_shift_edge_inwards_does_not_eat_the_border_of_the_picture() -> None:
    bust = np.zeros((60, 60), np.uint8)
    bust[30:, 10:50] = 255
    moved = shift_edge(bust, -4)
    assert (moved[34:, 14:46] == 255).all()
    assert (moved[-1, 14:46] == 255).all()
    assert (moved[33] == 0).all()


def test_shift_edge_does_not_change_its_input() -> None:
    alpha = _disc(30)
    before = alpha.copy()
    shift_edge(alpha, 3.5)
    shift_edge(alpha, -3.5)
    assert max_difference(alpha, before) == 0


# keep_largest


def test_keep_largest_drops_the_smaller_object_with_its_soft_edge() -> None:
    large = _disc(25, softness_px=8, centre=(40, 64))
    small = _disc(12, softness_px=8, centre=(100, 64))
    kept = keep_largest(np.maximum(large, small))
    assert max_difference(kept, large) == 0


def test_keep_largest_keeps_the_soft_parts_of_the_largest() -> None:
    veil = _disc(40, softness_px=50)
    speck = _disc(4, centre=(120, 8))
    kept = keep_largest(np.maximum(veil, speck))
    assert max_difference(kept[:, :80], veil[:, :80]) == 0
    assert kept[8, 120] == 0


def test_keep_largest_measures_area_and_not_the_first_found() -> None:
    small, large = _disc(10, centre=(20, 20)), _disc(25, centre=(90, 90))
    assert max_difference(keep_largest(np.maximum(small, large)), large) == 0


@pytest.mark.parametrize(
    "alpha", [np.zeros((9, 9), np.uint8), np.full((9, 9), 90, np.uint8), _disc(20)]
)
def test_keep_largest_of_at_most_one_object_changes_nothing(alpha: Pixels) -> None:
    assert max_difference(keep_largest(alpha), alpha) == 0


# subject_box


def test_subject_box_is_tight_and_exclusive() -> None:
    alpha = np.zeros((50, 80), np.uint8)
    alpha[10:20, 30:45] = 200
    assert subject_box(alpha, 0) == (30, 10, 45, 20)
    assert subject_box(alpha, 5) == (25, 5, 50, 25)


def test_subject_box_is_cut_at_the_border_of_the_picture() -> None:
    alpha = np.zeros((50, 80), np.uint8)
    alpha[10:20, 30:45] = 200
    assert subject_box(alpha, 2000) == (0, 0, 80, 50)


def test_subject_box_ignores_haze_and_of_nothing_is_the_whole_picture() -> None:
    alpha = np.full((50, 80), 10, np.uint8)
    assert subject_box(alpha, 0) == (0, 0, 80, 50)
    alpha[5, 7] = 11
    assert subject_box(alpha, 0) == (7, 5, 8, 6)
