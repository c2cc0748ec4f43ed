from __future__ import annotations

import cv2
import numpy as np

from studio.tools.cartoon.filters import Floats
from studio.tools.cartoon.skin import find_parts, without_red_eyes, without_shine
from tests.studio.tools.cartoon.people import make_face

SKIN = (205, 160, 135)


def portrait(iris: tuple[int, int, int] = (70, 50, 40), *, shine: bool = False) -> Floats:
    picture = np.full((220, 200, 3), SKIN, np.uint8)
    for x in (73, 127):
        cv2.ellipse(picture, (x, 100), (12, 5), 0, 0, 360, (240, 240, 240), -1)
        cv2.circle(picture, (x, 100), 5, iris, -1)
    if shine:
        cv2.ellipse(picture, (100, 116), (5, 12), 0, 0, 360, (255, 240, 230), -1)
    return picture.astype(np.float32)


def test_red_pupils_turn_dark_and_brown_ones_stay() -> None:
    face = make_face()
    brown = portrait((110, 70, 45))

    calmed = without_red_eyes(portrait((220, 40, 50)), [face])

    red, green, _ = calmed[100, 73]
    assert red < 150
    assert red - green < 50
    assert np.abs(without_red_eyes(brown, [face]) - brown).max() < 12


def test_red_pupils_of_shut_eyes_are_not_looked_for() -> None:
    picture = portrait((220, 40, 50))
    face = make_face(right_is_open=False, left_is_open=False)
    assert np.array_equal(without_red_eyes(picture, [face]), picture)


def test_shine_on_a_nose_fades_and_the_cheeks_stay() -> None:
    picture, face = portrait(shine=True), make_face()
    parts = find_parts(picture, [face])

    calmed = without_shine(picture, [face], parts, 1.0)

    assert picture[116, 100].mean() - calmed[116, 100].mean() > 12
    assert np.abs(calmed[150, 60] - picture[150, 60]).max() < 2
    assert np.array_equal(without_shine(picture, [face], parts, 0), picture)


def test_parts_of_a_picture_without_faces_are_empty() -> None:
    parts = find_parts(portrait(), [])
    assert not any(mask.any() for mask in (parts.skin, parts.eyes, parts.lips, parts.mouths))


def test_open_eyes_are_told_from_shut_ones() -> None:
    parts = find_parts(portrait(), [make_face(left_is_open=False)])
    assert parts.open_eyes[100, 73] > 0.9
    assert parts.open_eyes[100, 127] == 0
    assert parts.eyes[100, 127] > 0.9
