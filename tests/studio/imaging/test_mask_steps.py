from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.painting import mask_preview
from studio.imaging.mask_steps import IsNear, finished, grow, hardened, soften, with_box
from studio.imaging.picture import Pixels
from studio.tools.inpaint import mask as inpaint_mask

WIDTH_PX, HEIGHT_PX = 120, 90
NOTHING = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)

by_both = pytest.mark.parametrize(
    "is_near", [inpaint_mask.is_near, mask_preview.is_near], ids=["run", "preview"]
)


def box(left: int, top: int, right: int, bottom: int) -> Pixels:
    return with_box(NOTHING, (left, top, right, bottom))


@by_both
@pytest.mark.parametrize("grow_px", [1, 4, 17, -1, -4, -12])
def test_grow_moves_a_straight_edge_by_that_many_pixels(is_near: IsNear, grow_px: int) -> None:
    mask = grow(box(40, 30, 80, 60), grow_px, is_near)
    assert np.flatnonzero(mask[45]).tolist() == list(range(40 - grow_px, 80 + grow_px))


@by_both
def test_grow_reaches_equally_far_in_every_direction(is_near: IsNear) -> None:
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    grown = grow(box(60, 45, 61, 46), 20, is_near)
    assert np.array_equal(grown > 0, np.hypot(columns - 60, rows - 45) <= 20)


@by_both
def test_grow_of_nothing_and_of_everything_changes_nothing(is_near: IsNear) -> None:
    empty = np.zeros((9, 12), np.uint8)
    full = np.full((9, 12), 255, np.uint8)
    for distance_px in (-100, -3, 3, 100):
        assert np.array_equal(grow(empty, distance_px, is_near), empty)
        assert np.array_equal(grow(full, distance_px, is_near), full)


@by_both
def test_grow_leaves_the_border_of_the_picture_where_it_is(is_near: IsNear) -> None:
    assert np.array_equal(grow(box(0, 0, 30, 90), -5, is_near), box(0, 0, 25, 90))


@pytest.mark.parametrize("feather_px", [1, 3, 12, 40])
def test_soften_fades_outwards_and_no_farther_than_it_says(feather_px: int) -> None:
    sharp = box(50, 30, 70, 60)
    soft = soften(sharp, feather_px, inpaint_mask.blurred)
    assert (soft[sharp == 255] == 255).all()
    assert not soft[grow(sharp, feather_px + 1, inpaint_mask.is_near) == 0].any()
    along = soft[45, 70:].astype(int)
    assert (np.diff(along) <= 0).all()
    assert 0 < along[0] < 255


@pytest.mark.parametrize("feather_px", [1, 3, 12])
def test_soften_in_a_preview_is_near_to_that_of_a_run(feather_px: int) -> None:
    sharp = box(50, 30, 70, 60)
    one, other = (
        soften(sharp, feather_px, blur).astype(int)
        for blur in (inpaint_mask.blurred, mask_preview.blurred)
    )
    assert np.abs(one - other).max() <= 16


def test_finished_inverts_before_it_grows() -> None:
    measures: dict[str, Any] = {"is_near": inpaint_mask.is_near, "blur": inpaint_mask.blurred}
    mask = finished(box(40, 30, 80, 60), invert=True, grow_px=5, feather_px=0, **measures)
    assert np.array_equal(mask, 255 - box(45, 35, 75, 55))


def test_hardened_has_no_half_tones() -> None:
    levels = np.array([[0, 1, 127, 128, 255]], np.uint8)
    assert hardened(levels).tolist() == [[0, 0, 0, 255, 255]]


def test_with_box_adds_to_the_mask_and_leaves_it_as_it_was() -> None:
    mask = box(0, 0, 2, 2)
    joined = with_box(mask, (10, 20, 12, 21))
    assert np.argwhere(joined).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [20, 10], [20, 11]]
    assert np.array_equal(mask, box(0, 0, 2, 2))
