from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.faces.detect import (
    FULL_RANGE,
    SHORT_RANGE,
    Detectors,
    Grid,
    Proposal,
    anchors,
    decode,
    letterbox,
    overlaps,
    suppress,
    tiles_of,
)
from studio.report import Report
from tests.studio.faces.networks import FaceModels


def proposal(x: float, y: float, side: float, score: float) -> Proposal:
    box = np.array([x, y, x + side, y + side], np.float32)
    return Proposal(score, box, np.full((6, 2), x + side / 2, np.float32))


proposals = st.lists(
    st.builds(
        proposal,
        st.floats(0, 200, width=32),
        st.floats(0, 200, width=32),
        st.floats(1, 80, width=32),
        st.floats(0.5, 1, width=32),
    ),
    max_size=12,
)


@pytest.mark.parametrize(("grid", "count"), [(SHORT_RANGE, 896), (FULL_RANGE, 2304)])
def test_anchors_of_a_grid_are_as_many_as_its_network_answers(grid: Grid, count: int) -> None:
    centres = anchors(grid)
    assert centres.shape == (count, 2)
    assert centres.min() > 0
    assert centres.max() < 1


def test_anchors_run_by_row_and_repeat_by_cell() -> None:
    centres = anchors(SHORT_RANGE) * 16
    assert centres[:4].tolist() == [[0.5, 0.5], [0.5, 0.5], [1.5, 0.5], [1.5, 0.5]]
    assert centres[32].tolist() == [0.5, 1.5]
    assert np.all(centres[512:518] == 1.0), "six boxes in the first coarse cell"


@pytest.mark.parametrize("size", [(100, 50), (50, 100), (1, 1), (3000, 17), (17, 3000), (128, 128)])
def test_letterbox_keeps_proportions_and_leads_back(size: tuple[int, int]) -> None:
    width, height = size
    white = np.full((height, width, 3), 255, np.uint8)

    square, scale, corner = letterbox(white, 128)

    rows, columns = np.nonzero(square[..., 0])
    assert square.shape == (128, 128, 3)
    assert max(np.ptp(rows), np.ptp(columns)) == 127
    assert (columns.min(), rows.min()) == tuple(corner)
    assert np.ptp(columns) + 1 == max(1, round(width * scale))


def test_decode_adds_offsets_to_the_anchor_and_drops_what_scores_less() -> None:
    boxes = np.zeros((2304, 16), np.float32)
    boxes[50] = [2, -4, 20, 40, *([3, 5] * 6)]
    logits = np.full(2304, -1, np.float32)
    logits[50] = 1.0

    (found,) = decode(boxes, logits, FULL_RANGE, 0.5)

    x, y = anchors(FULL_RANGE)[50] * 192
    assert found.score == pytest.approx(1 / (1 + np.exp(-1)))
    assert found.box == pytest.approx([x + 2 - 10, y - 4 - 20, x + 2 + 10, y - 4 + 20])
    assert np.allclose(found.points, (x + 3, y + 5))


def test_decode_of_absurd_logits_overflows_nowhere() -> None:
    logits = np.full(896, -1e30, np.float32)
    logits[0] = 1e30
    with np.errstate(all="raise", under="ignore"):
        (found,) = decode(np.zeros((896, 16), np.float32), logits, SHORT_RANGE, 0.5)
    assert found.score == 1.0


@given(proposals)
def test_suppress_leaves_no_two_boxes_of_one_face(several: list[Proposal]) -> None:
    kept = suppress(several)
    assert bool(kept) == bool(several)
    assert len(kept) <= len(several)
    scores = [one.score for one in kept]
    assert scores == sorted(scores, reverse=True)
    assert set(scores) <= {one.score for one in several}


@given(proposals)
def test_suppress_averages_stay_within_what_was_proposed(several: list[Proposal]) -> None:
    for one in suppress(several):
        boxes = np.stack([other.box for other in several])
        assert np.all(one.box >= boxes.min(axis=0) - 1e-3)
        assert np.all(one.box <= boxes.max(axis=0) + 1e-3)


def test_suppress_weighs_agreeing_boxes_by_score() -> None:
    (kept,) = suppress([proposal(0, 0, 100, 0.9), proposal(10, 0, 100, 0.6)])
    assert kept.score == pytest.approx(0.9)
    assert kept.box[0] == pytest.approx(10 * 0.6 / 1.5)


def test_suppress_drops_a_part_without_letting_it_pull() -> None:
    (kept,) = suppress([proposal(0, 0, 100, 0.9), proposal(60, 60, 40, 0.8)])
    assert kept.box.tolist() == [0, 0, 100, 100]


def test_overlaps_of_an_empty_box_are_none() -> None:
    point = np.zeros(4, np.float32)
    over_union, over_smaller = overlaps(point, point[None])
    assert over_union[0] == over_smaller[0] == 0


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_tiles_cover_every_pixel_and_stay_few(width_px: int, height_px: int) -> None:
    tiles = list(tiles_of(width_px, height_px))
    assert len(tiles) <= 80
    for side in {side for _, _, side in tiles}:
        lefts = sorted({left for left, _, own in tiles if own == side})
        assert lefts[0] == 0
        assert lefts[-1] + side >= width_px
        assert all(b - a <= side for a, b in pairwise(lefts))


@given(st.sampled_from([1, 2, 3]), st.integers(2, 40), st.integers(2, 40))
def test_turned_back_undoes_a_quarter_turn(quarters: int, width_px: int, height_px: int) -> None:
    marked = np.zeros((height_px, width_px), bool)
    marked[0, 1] = True
    turned = np.rot90(marked, quarters)
    ((y,), (x,)) = np.nonzero(turned)
    found = Proposal(
        1.0,
        np.array([x, y, x + 1, y + 1], np.float32),
        np.full((6, 2), (x + 0.5, y + 0.5), np.float32),
    )
    for step in range(quarters, 0, -1):
        found = found.turned_back((width_px, height_px)[(step - 1) % 2])
    assert found.box.tolist() == [1, 0, 2, 1]
    assert found.points[0].tolist() == [1.5, 0.5]


def test_propose_leads_from_the_square_back_to_the_picture() -> None:
    models = FaceModels([(0.5, 0.5, 0.2, 3.0)])
    detectors = Detectors(
        models.open("blazeface-short", Report()), models.open("blazeface-full", Report())
    )
    pixels = np.full((150, 300, 3), 90, np.uint8)

    (found,) = detectors.propose(pixels, Report())

    assert found.box == pytest.approx([120, 45, 180, 105], abs=1e-3)
    assert found.points[0] == pytest.approx([138, 63], abs=1e-3)


def test_detectors_are_fed_rgb_between_minus_one_and_one() -> None:
    models = FaceModels()
    detectors = Detectors(
        models.open("blazeface-short", Report()), models.open("blazeface-full", Report())
    )
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[..., 0] = 255

    detectors.propose(pixels, Report())

    (fed,) = models.runtimes["blazeface-short"].calls
    assert fed.shape == (1, 3, 128, 128)
    assert np.allclose(fed[0, 0], 1)
    assert np.allclose(fed[0, 1:], -1)
