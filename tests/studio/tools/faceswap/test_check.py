from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.faces.face import Face
from studio.faces.topology import LEFT_EYE, RIGHT_EYE
from studio.tools.faceswap import check
from studio.tools.faceswap.portrait import Portrait
from tests.studio.tools.faceswap.faces import astronaut, behind, make_face, spectacled
from tests.words import said


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
    assert "less than 20 px between the eyes" in str(fault.reason)
    assert "Enlarge" in str(fault.remedy)
    of_source = check.why_not_source(tiny, 3)
    assert of_source is not None
    assert str(of_source.reason).startswith("source 3 is too small")
    assert "another source" in str(of_source.remedy)


@pytest.mark.parametrize(
    ("source", "target", "is_fine"),
    [(0.5, 0.0, False), (0.42, 0.0, True), (0.7, -0.6, True), (0.0, 0.7, True)],
)
def test_why_not_pair_minds_only_a_source_that_hides_what_is_needed(
    source: float, target: float, is_fine: bool
) -> None:
    assert (check.why_not_pair(turned(source), turned(target), 1) is None) == is_fine


def test_pair_doubt_is_about_turned_sources_on_frontal_faces() -> None:
    assert check.pair_doubt(turned(0.42), turned(0.0), 1, 2) is not None
    assert check.pair_doubt(turned(0.5), turned(0.5), 1, 2) is None
    assert check.pair_doubt(turned(0.3), turned(0.0), 1, 2) is None


def test_source_doubts_see_shut_eyes_and_coloured_light() -> None:
    me = astronaut()
    # No lamp has an edge as firm as a thing before the face.
    x = np.arange(512) - me.face.mesh[1, 0]
    share = np.clip(x / 16, 0, 1)[:, np.newaxis]
    lamp = (me.pixels * (1 - share * (1 - np.array([0.25, 0.45, 1.0])))).astype(np.uint8)

    assert check.source_doubts(me, 1) == []
    assert (
        len(check.source_doubts(Portrait(me.pixels, make_face(me.face.mesh, left_open=False)), 1))
        == 1
    )
    assert "coloured light" in str(check.source_doubts(Portrait(lamp, me.face), 1)[0])


def closed_mouth(face: Face) -> Face:
    mesh = face.mesh.copy()
    mesh[14] = mesh[13]
    return replace(face, mesh=mesh)


def quiet(portrait: Portrait) -> Portrait:
    return Portrait(portrait.pixels, closed_mouth(portrait.face))


def with_lids(factor: float) -> Portrait:
    """Her mouth closed, and her lids so many times as far apart."""
    mesh = quiet(astronaut()).face.mesh.copy()
    for eye in (RIGHT_EYE, LEFT_EYE):
        middle = mesh[list(eye), 1].mean()
        mesh[list(eye), 1] = middle + (mesh[list(eye), 1] - middle) * factor
    return Portrait(astronaut().pixels, make_face(mesh))


def test_source_doubts_name_what_becomes_of_glasses() -> None:
    assert "carried over" in str(check.source_doubts(spectacled(), 1)[0])
    assert "sunglasses" in str(check.source_doubts(spectacled(is_dark=True), 1)[0])


def test_source_doubts_say_that_what_stands_before_it_is_left_behind() -> None:
    hat, _ = behind(astronaut(), "hat")

    [doubt] = check.source_doubts(hat, 1)

    assert str(doubt) == "Source 1 has something before the face, where the other face is kept."


@pytest.mark.parametrize(("occlusion", "fate"), [(True, "stays"), (False, "is painted over")])
def test_target_doubts_say_what_becomes_of_what_stands_before_it(
    occlusion: bool, fate: str
) -> None:
    paper, _ = behind(astronaut(), "paper")

    doubts = check.target_doubts(quiet(astronaut()), quiet(paper), 2, occlusion=occlusion)

    assert said(doubts) == [f"Face 2 has something before it, which {fate}."]


@pytest.mark.parametrize(
    ("source", "occlusion", "fate"),
    [
        (astronaut(), True, "stay, with its eyes"),
        (astronaut(), False, "smear: what covers it is not kept"),
        (spectacled(is_dark=True), False, "stay, with its eyes"),
    ],
)
def test_target_doubts_say_what_becomes_of_glasses(
    source: Portrait, *, occlusion: bool, fate: str
) -> None:
    doubts = check.target_doubts(quiet(source), quiet(spectacled()), 2, occlusion=occlusion)

    assert said(doubts) == [f"Face 2 seems to wear glasses, which {fate}."]


def test_target_doubts_say_that_closed_eyes_are_kept() -> None:
    me = quiet(astronaut())
    shut = Portrait(me.pixels, make_face(me.face.mesh, left_open=False))

    doubts = check.target_doubts(me, shut, 2, occlusion=True)
    assert said(doubts) == ["Face 2 has closed eyes, which are kept."]


@pytest.mark.parametrize(
    ("source", "target", "doubts"),
    [
        (with_lids(1.0), with_lids(1.0), []),
        (astronaut(), with_lids(1.0), ["Face 2 keeps its mouth (the source's is open)."]),
        (with_lids(1.0), astronaut(), ["Face 2 keeps its mouth (it is open)."]),
        (
            with_lids(1.0),
            with_lids(1.8),
            ["Face 2 keeps its eyes (the source's open much differently)."],
        ),
        (
            with_lids(0.4),
            with_lids(0.4),
            ["Face 2 keeps its eyes (they or the source's are nearly closed)."],
        ),
        (
            Portrait(astronaut().pixels, turned(0.5)),
            with_lids(1.0),
            [
                "Face 2 keeps its eyes (the source looks elsewhere) and its mouth (the source's "
                "is open)."
            ],
        ),
    ],
)
def test_target_doubts_say_in_one_sentence_which_features_are_kept(
    source: Portrait, target: Portrait, doubts: list[str]
) -> None:
    assert said(check.target_doubts(source, target, 2, occlusion=True)) == doubts


def test_mesh_shift_is_a_part_of_the_eye_distance() -> None:
    face = astronaut().face
    moved = face.mesh + np.array([0.1 * face.eye_distance_px, 0, 5], np.float32)

    assert check.mesh_shift(face.mesh, moved) == pytest.approx(0.1, rel=1e-4)
