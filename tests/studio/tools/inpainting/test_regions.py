from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.imaging.picture import Pixels
from studio.tools.inpainting.regions import Region, find_regions


def blank(height: int = 600, width: int = 800) -> Pixels:
    return np.zeros((height, width), np.uint8)


def disc(mask: Pixels, x: int, y: int, radius_px: int) -> Pixels:
    return np.asarray(cv2.circle(mask, (x, y), radius_px, 255, -1))


def times_filled(mask: Pixels, regions: list[Region]) -> np.ndarray:
    count = np.zeros(mask.shape, int)
    for region in regions:
        count[region.rows, region.columns] += region.hole > 0
    return count


def test_find_regions_of_an_empty_mask_finds_none() -> None:
    regions, closed = find_regions(blank())
    assert regions == []
    assert not closed.any()


def test_find_regions_gives_each_hole_its_own_crop_with_surroundings() -> None:
    mask = disc(disc(blank(), 150, 150, 40), 600, 400, 60)
    regions, _ = find_regions(mask)
    assert len(regions) == 2
    for region in regions:
        rows, columns = np.nonzero(region.hole)
        margins = (
            *(rows.min(), region.hole.shape[0] - 1 - rows.max()),
            *(columns.min(), region.hole.shape[1] - 1 - columns.max()),
        )
        assert min(margins) >= 48
        assert region.hole.size < mask.size / 4
        assert not region.is_thin


def test_find_regions_fills_a_near_hole_by_itself_and_closes_both() -> None:
    mask = disc(disc(blank(), 300, 300, 30), 375, 300, 30)
    regions, closed = find_regions(mask)
    assert np.array_equal(closed, mask)
    assert len(regions) == 2
    for region in regions:
        in_box = np.count_nonzero(closed[region.rows, region.columns])
        assert 0 < np.count_nonzero(region.hole) < in_box


def test_find_regions_at_a_corner_looks_farther_on_the_open_sides() -> None:
    mask = disc(blank(), 0, 0, 60)
    (region,), _ = find_regions(mask)
    assert (region.left, region.top) == (0, 0)
    assert region.right - 61 >= 2 * 48
    assert region.bottom - 61 >= 2 * 48


def test_find_regions_splits_a_long_scratch_into_small_boxes() -> None:
    mask = blank(2400, 3200)
    cv2.line(mask, (10, 10), (3190, 2390), 255, 4)
    regions, _ = find_regions(mask)
    assert len(regions) > 6
    assert all(region.is_thin and max(region.hole.shape) <= 384 + 80 for region in regions)
    assert np.array_equal(times_filled(mask, regions), mask > 0)


@pytest.mark.parametrize(("width_px", "is_thin"), [(1, True), (6, True), (13, True), (20, False)])
def test_find_regions_tells_scratches_from_holes(width_px: int, is_thin: bool) -> None:
    mask = blank()
    mask[100:300, 200 : 200 + width_px] = 255
    assert {region.is_thin for region in find_regions(mask)[0]} == {is_thin}


def test_find_regions_takes_a_broad_band_along_the_border_for_a_hole() -> None:
    """Its far side shows nothing, so it is as deep as it is wide."""
    mask = blank()
    mask[:, :10] = 255
    assert [region.is_thin for region in find_regions(mask)[0]] == [False]


def test_find_regions_of_everything_has_no_surroundings() -> None:
    (region,), closed = find_regions(np.full((40, 60), 255, np.uint8))
    assert (closed == 255).all()
    assert region.hole.shape == (40, 60)


def test_find_regions_splits_a_large_frame_into_pieces() -> None:
    mask = np.full((1500, 2000), 255, np.uint8)
    mask[60:-60, 60:-60] = 0
    regions, _ = find_regions(mask)
    assert len(regions) > 8
    assert all(not region.is_thin and region.hole.size < mask.size / 4 for region in regions)
    assert np.array_equal(times_filled(mask, regions), mask > 0)


def test_find_regions_of_a_broad_band_round_a_corner_shows_each_piece_something_open() -> None:
    mask = blank(6000, 6000)
    mask[:, :700] = 255
    mask[:700] = 255
    regions, closed = find_regions(mask)
    assert len(regions) > 8
    assert all((closed[region.rows, region.columns] == 0).any() for region in regions)
    assert np.array_equal(times_filled(mask, regions), mask > 0)


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(1, 900),
    height=st.integers(1, 900),
    count=st.integers(1, 12),
    seed=st.integers(0, 10_000),
)
def test_find_regions_fills_every_solid_pixel_exactly_once(
    width: int, height: int, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = blank(height, width)
    for _ in range(count):
        start, end = rng.integers(-20, 900, 2).tolist(), rng.integers(-20, 900, 2).tolist()
        cv2.line(mask, start, end, 255, int(rng.choice([1, 3, 8, 40])))
    mask[rng.integers(height), rng.integers(width)] = 255
    feathered = np.maximum(mask, cv2.GaussianBlur(mask, (0, 0), 1))

    regions, closed = find_regions(feathered)

    count_filled = times_filled(mask, regions)
    assert (count_filled[mask == 255] == 1).all()
    assert count_filled.max() == 1
    assert not count_filled[feathered == 0].any()
    for region in regions:
        assert region.hole.any()
    assert np.array_equal(closed > 0, count_filled > 0)
