"""Which eyes and mouths stay the target's."""

from __future__ import annotations

import numpy as np
import pytest

from studio.faces.face import Points
from studio.faces.topology import LEFT_EYE, RIGHT_EYE
from studio.tools.faceswap.features import Expression, kept_features
from tests.studio.tools.faceswap.faces import astronaut

SIZE = (512, 512)


def face(
    *, right: float = 1.0, left: float = 1.0, nose: float = 0.0, is_left_open: bool = True
) -> Expression:
    """The astronaut with lids so many times as far apart, and her nose so far to one side."""
    mesh = astronaut().face.mesh.copy()
    for eye, factor in ((RIGHT_EYE, right), (LEFT_EYE, left)):
        middle = mesh[list(eye), 1].mean()
        mesh[list(eye), 1] = middle + (mesh[list(eye), 1] - middle) * factor
    mesh[1, :2] += nose * (mesh[454, :2] - mesh[1, :2])
    mesh[14] = mesh[13]
    return Expression(mesh, is_right_open=True, is_left_open=is_left_open)


def middle_of(mesh: Points, eye: tuple[int, ...]) -> tuple[int, int]:
    x, y = mesh[list(eye), :2].mean(axis=0).round().astype(int)
    return y, x


@pytest.mark.parametrize(
    ("source", "target", "is_kept"),
    [
        (face(), face(), False),
        (face(right=0.7), face(), False),
        (face(right=0.4, left=0.4), face(), True),
        (face(is_left_open=False), face(), True),
        (face(), face(is_left_open=False), True),
        (face(nose=0.45), face(), True),
        (face(), face(nose=0.45), False),
    ],
)
def test_kept_features_keeps_both_eyes_of_the_target_or_none(
    source: Expression, target: Expression, is_kept: bool
) -> None:
    kept = kept_features(source, target, SIZE)

    eyes = [kept[middle_of(target.mesh, eye)] for eye in (RIGHT_EYE, LEFT_EYE)]
    assert [eye > 0.9 for eye in eyes] == [is_kept, is_kept]
    assert np.count_nonzero(kept) > 0 if is_kept else kept.max() == 0
