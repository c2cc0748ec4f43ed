from __future__ import annotations

import numpy as np
import pytest

from studio.models.runtime import Floats
from studio.tools.faceswap.colour import match_colour
from studio.tools.faceswap.mask import FaceAreas

SIDE_PX, EYES_PX = 120, 60.0
SKIN = (70, 18, 22)
CHEEK = (slice(60, 74), slice(80, 94))


def areas(eye: tuple[slice, slice]) -> FaceAreas:
    """A face that fills the patch, with one eye."""
    whole = np.ones((SIDE_PX, SIDE_PX), np.float32)
    features = np.zeros_like(whole)
    features[eye] = 1
    return FaceAreas(
        outline=whole,
        inner=whole,
        core=whole,
        features=features,
        eyes=features,
        skin=whole,
        free=whole,
    )


def test_match_colour_gives_skin_the_targets_tint_and_leaves_dark_eyes_their_own() -> None:
    """By what makes yellow skin pale, a black iris would turn blue."""
    eye = (slice(50, 60), slice(50, 70))
    source = np.full((SIDE_PX, SIDE_PX, 3), (70, 20, 45), np.float32)
    source[eye] = (10, 2, 4)
    target = np.full_like(source, (75, 8, 12))

    matched, _ = match_colour(source, target, areas(eye), areas(eye).skin, EYES_PX)

    assert np.abs(matched[:30] - target[:30]).max() < 1
    iris = matched[eye][4:6, 8:12].mean(axis=(0, 1))
    assert np.abs(iris[1:] - (2, 4)).max() < 7


def matched_to(mark: tuple[int, int, int], part: tuple[slice, slice], likeness: float) -> Floats:
    """Even skin matched to a face with one part of another colour, so far like its skin."""
    plain = areas((slice(0), slice(0)))
    target = np.full((SIDE_PX, SIDE_PX, 3), SKIN, np.float32)
    target[part] = mark
    skin = plain.skin.copy()
    skin[part] = likeness
    source = np.full_like(target, (80, 8, 15))
    return match_colour(source, target, plain, skin, EYES_PX)[0]


@pytest.mark.parametrize(
    ("mark", "likeness"), [((22, 3, -4), 0.0), ((38, 2, 6), 0.1)], ids=["paint", "eyeshadow"]
)
def test_match_colour_onto_painted_skin_leaves_no_grey_of_the_paint(
    mark: tuple[int, int, int], likeness: float
) -> None:
    matched = matched_to(mark, CHEEK, likeness)

    assert np.abs(matched - SKIN).max() < 2


def test_match_colour_under_a_highlight_takes_its_lightness_and_keeps_the_tint() -> None:
    matched = matched_to((96, -1, 6), CHEEK, 0.7)[CHEEK].mean(axis=(0, 1))

    assert matched[0] > SKIN[0] + 5
    assert np.abs(matched[1:] - SKIN[1:]).max() < 2


def test_match_colour_in_a_coloured_light_takes_it_over_however_little_it_looks_like_skin() -> None:
    lamp = (66, 8, -25)

    matched = matched_to(lamp, (slice(None), slice(60, None)), 0.0)

    assert np.abs(matched[:, 90:] - lamp).max() < 6
    assert np.abs(matched[:, :30] - SKIN).max() < 6
