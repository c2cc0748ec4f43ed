from __future__ import annotations

import numpy as np

from studio.tools.swapping.colour import match_colour
from studio.tools.swapping.mask import FaceAreas

SIDE_PX, EYES_PX = 120, 60.0


def areas(eye: tuple[slice, slice]) -> FaceAreas:
    """A face that fills the patch, with one eye."""
    whole = np.ones((SIDE_PX, SIDE_PX), np.float32)
    features = np.zeros_like(whole)
    features[eye] = 1
    return FaceAreas(
        outline=whole, inner=whole, core=whole, features=features, eyes=features, skin=whole
    )


def test_match_colour_gives_skin_the_targets_tint_and_leaves_dark_eyes_their_own() -> None:
    """By what makes yellow skin pale, a black iris would turn blue."""
    eye = (slice(50, 60), slice(50, 70))
    source = np.full((SIDE_PX, SIDE_PX, 3), (70, 20, 45), np.float32)
    source[eye] = (10, 2, 4)
    target = np.full_like(source, (75, 8, 12))

    matched, _ = match_colour(source, target, areas(eye), EYES_PX)

    assert np.abs(matched[:30] - target[:30]).max() < 1
    iris = matched[eye][4:6, 8:12].mean(axis=(0, 1))
    assert np.abs(iris[1:] - (2, 4)).max() < 7
