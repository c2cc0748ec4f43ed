from __future__ import annotations

import numpy as np
import pytest

from studio.tools.cartoon.eyes import add_catch_lights, enlarge_eyes
from studio.tools.cartoon.features import EYES, Features
from studio.tools.cartoon.filters import Floats
from studio.tools.cartoon.recipes import RECIPES
from studio.tools.cartoon.strokes import draw_strokes
from tests.studio.tools.cartoon.people import make_face

RIGHT, LEFT = (slice(80, 120), slice(50, 95)), (slice(80, 120), slice(105, 150))
"""Where the eyes of ``make_face()`` are."""


def paper(level: float = 60) -> Floats:
    return np.full((220, 200, 3), level, np.float32)


def checks() -> Floats:
    y, x = np.mgrid[:220, :200]
    level = ((x // 4 + y // 4) % 2 * 200).astype(np.float32)
    return level[..., np.newaxis].repeat(3, axis=2)


def test_catch_lights_are_drawn_in_open_eyes() -> None:
    lit = add_catch_lights(paper(), [make_face()], 1.0)
    for eye in (RIGHT, LEFT):
        assert lit[eye].max() > 200


@pytest.mark.parametrize(
    "face",
    [
        make_face(right_is_open=False, left_is_open=False),
        make_face(yaw=0.9),
        make_face(size_px=12),
    ],
    ids=["shut", "turned", "small"],
)
def test_catch_lights_are_not_drawn_in_eyes_that_cannot_show_them(face: Features) -> None:
    assert np.array_equal(add_catch_lights(paper(), [face], 1.0), paper())


@pytest.mark.parametrize("look", list(RECIPES))
def test_lashes_are_drawn_on_open_eyes_and_not_on_shut_ones(look: str) -> None:
    drawn = draw_strokes(paper(200), [make_face(left_is_open=False)], RECIPES[look])
    assert drawn[RIGHT].min() < 160
    assert (drawn[LEFT] == 200).all()


def test_strokes_at_the_border_are_cut_there() -> None:
    for centre in ((0, 0), (199, 219), (-500, 40)):
        drawn = draw_strokes(paper(200), [make_face(centre=centre)], next(iter(RECIPES.values())))
        assert drawn.shape == paper().shape


def test_enlarging_moves_open_eyes_and_their_points_and_nothing_else() -> None:
    face = make_face(left_is_open=False)

    enlarged, [moved] = enlarge_eyes(checks(), [face], 0.2)

    assert not np.array_equal(enlarged[RIGHT], checks()[RIGHT])
    assert np.array_equal(enlarged[LEFT], checks()[LEFT])
    assert np.array_equal(enlarged[140:], checks()[140:])
    heights = [np.ptp(one.outline(EYES[0])[:, 1]) for one in (face, moved)]
    assert 1.05 * heights[0] < heights[1] < 1.25 * heights[0]
    assert np.array_equal(moved.outline(EYES[1]), face.outline(EYES[1]))


def test_enlarging_leaves_turned_faces_alone() -> None:
    enlarged, _ = enlarge_eyes(checks(), [make_face(yaw=0.8)], 0.2)
    assert np.array_equal(enlarged, checks())
