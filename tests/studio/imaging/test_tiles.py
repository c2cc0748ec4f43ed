from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.imaging.picture import Pixels
from studio.imaging.tiles import best_tile, run_tiled
from tests.metrics import max_difference
from tests.studio.imaging.files import photo

REACH_PX = 6


def _scene(height_px: int, width_px: int) -> Pixels:
    noise = np.random.default_rng(3).integers(-40, 40, (height_px, width_px, 3))
    return np.clip(photo(height_px, width_px).astype(int) + noise, 0, 255).astype(np.uint8)


def _network(scale: int) -> Callable[[Pixels], Pixels]:
    """Three zero-padded convolutions and pixel shuffling: sees ``REACH_PX`` in each direction."""
    random = np.random.default_rng(11)
    kernels = random.normal(0, 0.35, (3, 5, 5)).astype(np.float32)
    phases = random.normal(0, 0.1, (scale, scale)).astype(np.float32)

    def process(tile: Pixels) -> Pixels:
        values = tile.astype(np.float32) / 255
        for kernel in kernels:
            values = np.tanh(cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_CONSTANT))
        height, width = tile.shape[:2]
        out = values[:, None, :, None] + phases[None, :, None, :, None]
        out = out.reshape(height * scale, width * scale, 3)
        return np.rint(np.clip(out * 0.5 + 0.5, 0, 1) * 255).astype(np.uint8)

    return process


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("shape", [(97, 133), (64, 64), (65, 64), (30, 200), (200, 31), (20, 20)])
def test_run_tiled_equals_one_call_on_the_whole(shape: tuple[int, int], scale: int) -> None:
    scene, process = _scene(*shape), _network(scale)
    tiled = run_tiled(scene, process, scale=scale, tile_px=(40, 40), overlap_px=REACH_PX)
    assert max_difference(tiled, process(scene)) <= 1


def test_run_tiled_with_too_little_overlap_shows_that_the_test_can_fail() -> None:
    scene, process = _scene(97, 133), _network(2)
    tiled = run_tiled(scene, process, scale=2, tile_px=(40, 40), overlap_px=0)
    assert max_difference(tiled, process(scene)) > 10


@settings(deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    tile_px=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    overlap_px=st.integers(0, 24),
)
def test_run_tiled_covers_every_pixel_with_tiles_of_one_size(
    height: int, width: int, tile_px: tuple[int, int], overlap_px: int
) -> None:
    overlap_px = min(overlap_px, (min(tile_px) - 1) // 2)
    scene = _scene(height, width)
    shapes: set[tuple[int, ...]] = set()

    def double(tile: Pixels) -> Pixels:
        shapes.add(tile.shape)
        return tile.repeat(2, axis=0).repeat(2, axis=1)

    tiled = run_tiled(scene, double, scale=2, tile_px=tile_px, overlap_px=overlap_px)
    assert max_difference(tiled, scene.repeat(2, axis=0).repeat(2, axis=1)) == 0
    assert shapes == {(min(height, tile_px[0]), min(width, tile_px[1]), 3)}


def test_run_tiled_gives_every_inner_pixel_its_context() -> None:
    """A process that blanks its outer ring would show wherever context was too small."""
    overlap_px = 5

    def blank_ring(tile: Pixels) -> Pixels:
        result = np.zeros_like(tile)
        inner = slice(overlap_px, -overlap_px)
        result[inner, inner] = tile[inner, inner]
        return result

    scene = np.full((101, 87, 3), 9, np.uint8)
    tiled = run_tiled(scene, blank_ring, scale=1, tile_px=(32, 32), overlap_px=overlap_px)
    inner = slice(overlap_px, -overlap_px)
    assert (tiled[inner, inner] == 9).all()


def test_run_tiled_reports_each_tile() -> None:
    seen: list[tuple[int, int]] = []
    run_tiled(
        _scene(100, 60),
        lambda tile: tile,
        scale=1,
        tile_px=(40, 40),
        overlap_px=5,
        on_tile=lambda done, total: seen.append((done, total)),
    )
    total = len(seen)
    assert total > 4
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_run_tiled_stops_when_the_callback_raises() -> None:
    calls = 0

    def process(tile: Pixels) -> Pixels:
        nonlocal calls
        calls += 1
        return tile

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tiled(_scene(100, 100), process, scale=1, tile_px=(40, 40), overlap_px=5, on_tile=stop)
    assert calls == 1


@pytest.mark.parametrize(("tile_px", "overlap_px"), [(10, 5), (10, 6), (10, -1), (0, 0)])
def test_run_tiled_refuses_an_overlap_that_leaves_nothing(tile_px: int, overlap_px: int) -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        run_tiled(
            _scene(11, 5),
            lambda tile: tile,
            scale=1,
            tile_px=(tile_px, tile_px),
            overlap_px=overlap_px,
        )


def test_run_tiled_in_strips_needs_context_only_where_it_cuts() -> None:
    scene, process = _scene(10, 133), _network(2)
    tiled = run_tiled(scene, process, scale=2, tile_px=(10, 40), overlap_px=REACH_PX)
    assert max_difference(tiled, process(scene)) <= 1


def computed_px(shape: tuple[int, int], tile_px: tuple[int, int], overlap_px: int) -> list[int]:
    """How many pixels ``run_tiled`` feeds to a network, tile by tile."""
    fed: list[int] = []

    def count(tile: Pixels) -> Pixels:
        fed.append(tile.shape[0] * tile.shape[1])
        return tile

    scene = np.zeros((*shape, 3), np.uint8)
    run_tiled(scene, count, scale=1, tile_px=tile_px, overlap_px=overlap_px)
    return fed


@pytest.mark.parametrize(
    ("shape", "area_px", "expected"),
    [
        ((30, 40), 1200, (30, 40)),  # fits whole
        ((30, 40), 1199, (30, 23)),  # two strips
        ((40, 30), 1199, (23, 30)),
        ((30, 300), 1199, (30, 39)),  # strips span the short side
        ((300, 30), 1199, (39, 30)),
        ((10, 10), 4, (10, 10)),  # never smaller than makes sense
        ((300, 300), 4, (13, 13)),
    ],
)
def test_best_tile_spans_a_side_where_it_can(
    shape: tuple[int, int], area_px: int, expected: tuple[int, int]
) -> None:
    assert best_tile(*shape, area_px=area_px, overlap_px=3, least_px=13) == expected


@settings(deadline=None)
@given(
    height_px=st.integers(1, 150),
    width_px=st.integers(1, 150),
    area_px=st.integers(1, 150 * 150),
    overlap_px=st.integers(0, 10),
)
def test_best_tile_computes_no_more_than_squares_of_the_same_area(
    height_px: int, width_px: int, area_px: int, overlap_px: int
) -> None:
    shape, least_px = (height_px, width_px), 2 * overlap_px + 5
    tile_px = best_tile(*shape, area_px=area_px, overlap_px=overlap_px, least_px=least_px)
    smallest_px = min(height_px, least_px) * min(width_px, least_px)
    assert tile_px[0] * tile_px[1] <= max(area_px, smallest_px)
    side_px = isqrt(area_px)
    if side_px >= least_px:
        squares = computed_px(shape, (side_px, side_px), overlap_px)
        ours = computed_px(shape, tile_px, overlap_px)
        rounding_px = len(ours) * sum(tile_px)  # a tile may be a row and a column too large
        assert sum(ours) <= sum(squares) + rounding_px


def test_run_tiled_refuses_a_result_of_another_size() -> None:
    with pytest.raises(ValueError, match="in place of"):
        run_tiled(_scene(9, 9), lambda tile: tile, scale=2, tile_px=(8, 8), overlap_px=1)
