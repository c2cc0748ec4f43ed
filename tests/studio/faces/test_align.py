from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.faces.align import TEMPLATES, align, five_points
from studio.faces.face import Face
from studio.faces.find import find_faces
from studio.report import Report
from tests.studio.faces.networks import FaceModels


def face() -> Face:
    models = FaceModels([(0.5, 0.5, 0.3, 3.0)])
    return find_faces(np.full((90, 90, 3), 90, np.uint8), models, Report())[0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_hold_the_right_eye_first_and_lie_inside_the_crop(name: str) -> None:
    points = TEMPLATES[name]
    assert points.shape == (5, 2)
    assert points.min() > 0
    assert points.max() < 1
    assert points[0, 0] < points[2, 0] < points[1, 0]
    assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()


@given(st.floats(0.2, 5), st.floats(-3, 3), st.floats(-200, 200), st.floats(-200, 200))
def test_align_follows_a_moved_turned_and_scaled_face(
    scale: float, angle: float, x: float, y: float
) -> None:
    """However a face lies in its picture, its crop is the same."""
    still = face()
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mesh = still.mesh.copy()
    mesh[:, :2] = mesh[:, :2] @ turn.T + (x, y)
    moved = replace(still, mesh=mesh)

    crops = []
    for one in (still, moved):
        affine = align(one, "arcface_112_v2", 112)
        crops.append(five_points(one) @ affine[:, :2].T + affine[:, 2])

    assert np.allclose(*crops, atol=0.05)


def test_align_of_a_face_without_extent_stays_finite() -> None:
    point = replace(face(), mesh=np.zeros((468, 3), np.float32))
    assert np.isfinite(align(point, "ffhq_512", 512)).all()
