from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.imaging.picture import Pixels
from studio.tools.inpaint.holes import Hole, find_holes


def blank(height: int = 600, width: int = 800) -> Pixels:
    return np.zeros((height, width), np.uint8)


def disc(mask: Pixels, x: int, y: int, radius_px: int) -> Pixels:
    return np.asarray(cv2.circle(mask, (x, y), radius_px, 255, -1))


def find(mask: Pixels) -> tuple[list[Hole], Pixels]:
    """The holes of a picture in which everything is visible."""
    return find_holes(mask, np.zeros_like(mask))


def times_filled(mask: Pixels, holes: list[Hole]) -> np.ndarray:
    count = np.zeros(mask.shape, int)
    for hole in holes:
        count[hole.rows, hole.columns] += hole.mask > 0
    return count


def test_find_holes_of_an_empty_mask_finds_none() -> None:
    holes, closed = find(blank())
    assert holes == []
    assert not closed.any()


def test_find_holes_gives_each_hole_its_own_crop_with_surroundings() -> None:
    mask = disc(disc(blank(), 150, 150, 40), 600, 400, 60)
    holes, _ = find(mask)
    assert len(holes) == 2
    for hole in holes:
        rows, columns = np.nonzero(hole.mask)
        margins = (
            *(rows.min(), hole.mask.shape[0] - 1 - rows.max()),
            *(columns.min(), hole.mask.shape[1] - 1 - columns.max()),
        )
        assert min(margins) >= 48
        assert hole.mask.size < mask.size / 4
        assert not hole.is_thin


def test_find_holes_fills_a_near_hole_by_itself_and_closes_both() -> None:
    mask = disc(disc(blank(), 300, 300, 30), 375, 300, 30)
    holes, closed = find(mask)
    assert np.array_equal(closed, mask)
    assert len(holes) == 2
    for hole in holes:
        in_box = np.count_nonzero(closed[hole.rows, hole.columns])
        assert 0 < np.count_nonzero(hole.mask) < in_box


def test_find_holes_at_a_corner_looks_farther_on_the_open_sides() -> None:
    mask = disc(blank(), 0, 0, 60)
    (hole,), _ = find(mask)
    assert (hole.left, hole.top) == (0, 0)
    assert hole.right - 61 >= 2 * 48
    assert hole.bottom - 61 >= 2 * 48


def test_find_holes_splits_a_long_scratch_into_small_boxes() -> None:
    mask = blank(2400, 3200)
    cv2.line(mask, (10, 10), (3190, 2390), 255, 4)
    holes, _ = find(mask)
    assert len(holes) > 6
    assert all(hole.is_thin and max(hole.mask.shape) <= 384 + 80 for hole in holes)
    assert np.array_equal(times_filled(mask, holes), mask > 0)


@pytest.mark.parametrize(("width_px", "is_thin"), [(1, True), (6, True), (13, True), (20, False)])
def test_find_holes_tells_scratches_from_holes(width_px: int, is_thin: bool) -> None:
    mask = blank()
    mask[100:300, 200 : 200 + width_px] = 255
    assert {hole.is_thin for hole in find(mask)[0]} == {is_thin}


def test_find_holes_takes_a_broad_band_along_the_border_for_a_hole() -> None:
    """Its far side shows nothing, so it is as deep as it is wide."""
    mask = blank()
    mask[:, :10] = 255
    assert [hole.is_thin for hole in find(mask)[0]] == [False]


def test_find_holes_of_everything_has_no_surroundings() -> None:
    (hole,), closed = find(np.full((40, 60), 255, np.uint8))
    assert (closed == 255).all()
    assert hole.mask.shape == (40, 60)


def test_find_holes_splits_a_large_frame_into_pieces() -> None:
    mask = np.full((1500, 2000), 255, np.uint8)
    mask[60:-60, 60:-60] = 0
    holes, _ = find(mask)
    assert len(holes) > 8
    assert all(not hole.is_thin and hole.mask.size < mask.size / 4 for hole in holes)
    assert np.array_equal(times_filled(mask, holes), mask > 0)


@pytest.mark.slow
def test_find_holes_of_a_broad_band_round_a_corner_shows_each_piece_something_open() -> None:
    mask = blank(6000, 6000)
    mask[:, :700] = 255
    mask[:700] = 255
    holes, closed = find(mask)
    assert len(holes) > 8
    assert all((closed[hole.rows, hole.columns] == 0).any() for hole in holes)
    assert np.array_equal(times_filled(mask, holes), mask > 0)


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(1, 900),
    height=st.integers(1, 900),
    count=st.integers(1, 12),
    seed=st.integers(0, 10_000),
)
def test_find_holes_fills_every_solid_pixel_exactly_once(
    width: int, height: int, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = blank(height, width)
    for _ in range(count):
        start, end = rng.integers(-20, 900, 2).tolist(), rng.integers(-20, 900, 2).tolist()
        cv2.line(mask, start, end, 255, int(rng.choice([1, 3, 8, 40])))
    mask[rng.integers(height), rng.integers(width)] = 255
    feathered = np.maximum(mask, cv2.GaussianBlur(mask, (0, 0), 1))

    holes, closed = find(feathered)

    count_filled = times_filled(mask, holes)
    assert (count_filled[mask == 255] == 1).all()
    assert count_filled.max() == 1
    assert not count_filled[feathered == 0].any()
    for hole in holes:
        assert hole.mask.any()
    assert np.array_equal(closed > 0, count_filled > 0)


def test_find_holes_looks_further_where_what_is_near_is_hidden() -> None:
    mask = disc(blank(), 400, 300, 40)
    hidden = 255 - disc(mask.copy(), 400, 300, 42)
    hidden[:, 600:] = 0
    (hole,), _ = find_holes(mask, hidden)
    (usual,), _ = find(mask)
    assert hole.right > 600 > usual.right
