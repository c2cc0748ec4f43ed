from __future__ import annotations

import numpy as np
import pytest

from studio.faces.face import Face
from studio.tools.swapping import check
from studio.tools.swapping.portrait import Portrait
from tests.studio.tools.swapping.faces import astronaut, make_face, spectacled


def turned(yaw: float) -> Face:
    """A face whose nose lies between its ears as at this yaw."""
    mesh = astronaut().face.mesh.copy()
    right, left = mesh[234, :2], mesh[454, :2]
    mesh[1, :2] = right + (left - right) * (1 + yaw) / 2
    face = make_face(mesh)
    assert face.yaw == pytest.approx(yaw, abs=0.01)
    return face


def test_why_not_target_of_a_frontal_face_is_nothing() -> None:
    assert check.why_not_target(astronaut().face) is None


@pytest.mark.parametrize(
    ("yaw", "is_fine"), [(0.7, True), (-0.7, True), (0.8, False), (-0.8, False)]
)
def test_why_not_target_names_a_head_that_is_turned_too_far(yaw: float, is_fine: bool) -> None:
    assert (check.why_not_target(turned(yaw)) is None) == is_fine


def test_why_not_target_of_a_tiny_face_asks_for_a_larger_one() -> None:
    tiny = make_face(astronaut().face.mesh * np.float32(0.2))

    fault = check.why_not_target(tiny)
    assert fault is not None
    assert "less than 20 px between the eyes" in fault.reason
    assert "Enlarge" in fault.remedy
    of_source = check.why_not_source(tiny, 3)
    assert of_source is not None
    assert of_source.reason.startswith("source 3 is too small")
    assert "another source" in of_source.remedy


@pytest.mark.parametrize(
    ("source", "target", "is_fine"),
    [(0.5, 0.0, False), (0.42, 0.0, True), (0.7, -0.6, True), (0.0, 0.7, True)],
)
def test_why_not_pair_minds_only_a_source_that_hides_what_is_needed(
    source: float, target: float, is_fine: bool
) -> None:
    assert (check.why_not_pair(turned(source), turned(target), 1) is None) == is_fine


def test_pair_doubt_is_about_turned_sources_on_frontal_faces() -> None:
    assert check.pair_doubt(turned(0.42), turned(0.0)) is not None
    assert check.pair_doubt(turned(0.5), turned(0.5)) is None
    assert check.pair_doubt(turned(0.3), turned(0.0)) is None


def test_source_doubts_see_shut_eyes_and_coloured_light() -> None:
    me = astronaut()
    lamp = me.pixels.copy()
    middle = round(float(me.face.mesh[1, 0])) + 8
    lamp[:, middle:] = (lamp[:, middle:] * np.array([0.25, 0.45, 1.0])).astype(np.uint8)

    assert check.source_doubts(me) == []
    assert (
        len(check.source_doubts(Portrait(me.pixels, make_face(me.face.mesh, left_open=False)))) == 1
    )
    assert "coloured light" in check.source_doubts(Portrait(lamp, me.face))[0]


def test_doubts_name_glasses_of_source_and_target() -> None:
    assert check.target_doubts(astronaut()) == []
    [doubt] = check.target_doubts(spectacled())
    assert "glasses" in doubt


def test_target_doubts_say_that_closed_eyes_are_kept() -> None:
    shut = make_face(astronaut().face.mesh, left_open=False)
    [doubt] = check.target_doubts(Portrait(astronaut().pixels, shut))
    assert doubt == "has closed eyes, which are kept"
    assert "carried over" in check.source_doubts(spectacled())[0]
    assert "sunglasses" in check.source_doubts(spectacled(is_dark=True))[0]


def test_mesh_shift_is_a_part_of_the_eye_distance() -> None:
    face = astronaut().face
    moved = face.mesh + np.array([0.1 * face.eye_distance_px, 0, 5], np.float32)

    assert check.mesh_shift(face.mesh, moved) == pytest.approx(0.1, rel=1e-4)
