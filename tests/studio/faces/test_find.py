from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from app.runs.sample import sample_picture
from studio.errors import JobCancelledError
from studio.faces.find import find_faces, search_faces
from studio.models.cache import ModelCache
from studio.report import Report, Stage
from tests.studio.faces.networks import FACE_NETWORKS, FaceModels

pytestmark = pytest.mark.slow

SAMPLES_ENV = "STUDIO_TEST_SAMPLES"
"""Folder with photos/*.jpg."""
real = pytest.mark.usefixtures("need_weights")
weights = pytest.mark.weights(*FACE_NETWORKS)
Pixels = np.ndarray[Any, Any]


def portrait() -> Pixels:
    return np.asarray(Image.open(BytesIO(sample_picture()[1])).convert("RGB"))


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """Turned about the middle on a canvas large enough, its border continued."""
    height, width = pixels.shape[:2]
    affine = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    side = int(np.hypot(width, height))
    affine[:, 2] += side / 2 - width / 2, side / 2 - height / 2
    return cv2.warpAffine(pixels, affine, (side, side), borderMode=cv2.BORDER_REPLICATE)


def test_find_of_two_proposals_for_one_face_is_one_face() -> None:
    models = FaceModels([(0.5, 0.5, 0.3, 3.0), (0.52, 0.5, 0.3, 2.0)])
    (face,) = find_faces(np.full((90, 120, 3), 90, np.uint8), models, Report())
    middle = (face.mesh[:, :2].min(axis=0) + face.mesh[:, :2].max(axis=0)) / 2
    assert middle == pytest.approx((60, 45), abs=2)
    assert face.right_eye.is_open
    assert face.yaw == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("logits", [(3.0, 2.0), (2.5, 2.5)], ids=["surer", "as sure"])
def test_find_of_two_sightings_of_one_face_keeps_the_larger_and_surer(
    logits: tuple[float, float],
) -> None:
    """A part of a face, as a tile shows it, whose box agrees too little with the whole one's."""
    whole, part = (0.4, 0.5, 0.4, logits[0]), (0.58, 0.5, 0.2, logits[1])
    pixels = np.full((100, 100, 3), 90, np.uint8)
    (alone,) = find_faces(pixels, FaceModels([whole]), Report())

    faces = find_faces(pixels, FaceModels([part, whole]), Report())

    assert [face.box for face in faces] == [alone.box]
    assert faces[0].eye_distance_px == pytest.approx(alone.eye_distance_px)


def test_find_of_two_sightings_of_one_face_keeps_the_smaller_that_is_far_surer() -> None:
    """A box drawn too large around a face, as of a detector that hardly believes in it."""
    large, sure = (0.4, 0.5, 0.4, 0.2), (0.55, 0.5, 0.28, 4.0)
    pixels = np.full((100, 100, 3), 90, np.uint8)
    (alone,) = find_faces(pixels, FaceModels([sure]), Report())

    faces = find_faces(pixels, FaceModels([large, sure]), Report())

    assert [face.box for face in faces] == [alone.box]


def test_find_of_several_faces_is_from_left_to_right() -> None:
    models = FaceModels([(0.8, 0.5, 0.15, 4.0), (0.2, 0.5, 0.15, 2.0), (0.5, 0.4, 0.15, 3.0)])
    faces = find_faces(np.full((100, 100, 3), 90, np.uint8), models, Report())
    # A stand-in answers every turn of the picture alike, so it sees faces there as well.
    places = [float(face.mesh[:, 0].mean()) for face in faces]
    assert len(places) >= 3
    assert places == sorted(places)


def test_find_of_what_the_mesh_does_not_confirm_is_nothing_but_doubt() -> None:
    models = FaceModels([(0.5, 0.5, 0.3, 3.0)], face_logit=-2.0)
    search = search_faces(np.full((90, 120, 3), 90, np.uint8), models, Report())
    assert search.faces == ()
    assert search.doubtful


def test_find_of_shut_eyes_says_so() -> None:
    models = FaceModels([(0.5, 0.5, 0.3, 3.0)], opening=0.1)
    (face,) = find_faces(np.full((90, 90, 3), 90, np.uint8), models, Report())
    assert not face.left_eye.is_open
    assert face.right_eye.opening == pytest.approx(0.1, abs=1e-3)


def test_find_can_be_cancelled_between_two_steps() -> None:
    calls: list[float] = []

    def stop(fraction: float, stage: Stage) -> None:
        calls.append(fraction)
        if len(calls) == 3:
            raise JobCancelledError

    with pytest.raises(JobCancelledError):
        find_faces(np.zeros((600, 600, 3), np.uint8), FaceModels(), Report(stop))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**16))
def test_find_in_pictures_of_any_size_keeps_going(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    models = FaceModels([(0.5, 0.5, 0.5, 3.0)])
    for face in find_faces(pixels, models, Report()):
        assert np.isfinite(face.mesh).all()


@real
@weights
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([(1, 1), (3000, 17), (17, 3000), (2, 400), (333, 251)]),
    st.integers(0, 2**16),
    st.booleans(),
)
def test_find_in_noise_of_any_form_finds_nothing(
    installed_models: ModelCache, size: tuple[int, int], seed: int, is_grey: bool
) -> None:
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (size[1], size[0], 1 if is_grey else 3), dtype=np.uint8)
    pixels = np.repeat(pixels, 3, axis=2) if is_grey else pixels
    assert find_faces(pixels, installed_models, Report()) == []


@real
@weights
@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 135, 180, 270])
def test_find_of_a_turned_portrait_measures_the_turn(
    installed_models: ModelCache, degrees: int
) -> None:
    (face,) = find_faces(turned(portrait(), degrees), installed_models, Report())
    # The picture turns anticlockwise, the face of the sample leans by 3 degrees.
    across, down = face.mesh[263, :2] - face.mesh[33, :2]
    lean_degrees = float(np.degrees(np.arctan2(down, across)))
    off = (lean_degrees + degrees - 3 + 180) % 360 - 180
    assert abs(off) < 4
    assert abs(face.yaw) < 0.15
    assert face.right_eye.is_open
    assert face.left_eye.is_open


@real
@weights
@pytest.mark.parametrize("name", ["cat", "coffee", "rocket", "brick", "grass", "gravel", "coins"])
def test_find_in_pictures_without_people_finds_nothing(
    installed_models: ModelCache, name: str
) -> None:
    pixels = getattr(data, name)()
    pixels = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels
    assert find_faces(pixels, installed_models, Report()) == []


@real
@weights
def test_find_in_a_grey_portrait_and_twice_is_the_same_to_the_bit(
    installed_models: ModelCache,
) -> None:
    grey = np.dstack([cv2.cvtColor(portrait(), cv2.COLOR_RGB2GRAY)] * 3)
    ((first,), (again,)) = (find_faces(grey, installed_models, Report()) for _ in range(2))
    assert np.array_equal(first.mesh, again.mesh)
    assert first.box == again.box
    assert first.left_eye.opening == again.left_eye.opening


@real
@weights
def test_find_of_a_head_that_fills_the_frame_finds_it(installed_models: ModelCache) -> None:
    (face,) = find_faces(portrait(), installed_models, Report())
    x, y = face.mesh[:, :2].mean(axis=0)
    reach = 0.6 * face.eye_distance_px
    left, top, right, bottom = (int(side) for side in (x - reach, y - reach, x + reach, y + reach))

    (close,) = find_faces(portrait()[top:bottom, left:right], installed_models, Report())

    apart = np.linalg.norm(close.mesh[:, :2] + (left, top) - face.mesh[:, :2], axis=1)
    assert apart.mean() < 0.06 * face.eye_distance_px


@real
@weights
def test_find_of_small_faces_in_a_large_picture_finds_all(installed_models: ModelCache) -> None:
    """Nine heads of 30 px between the eyes in 1600 px: only tiles show them."""
    (face,) = find_faces(portrait(), installed_models, Report())
    x, y = face.mesh[:, :2].mean(axis=0).astype(int)
    head = portrait()[y - 90 : y + 110, x - 100 : x + 100]
    small = cv2.resize(head, None, fx=0.48, fy=0.48, interpolation=cv2.INTER_AREA)
    scene = cv2.resize(data.coffee(), (1600, 1200))
    places = [(x, y) for y in (80, 520, 1000) for x in (100, 760, 1400)]
    for left, top in places:
        scene[top : top + small.shape[0], left : left + small.shape[1]] = small

    faces = find_faces(scene, installed_models, Report())

    assert len(faces) == len(places)
    assert all(27 < face.eye_distance_px < 33 for face in faces)


@real
@weights
@pytest.mark.skipif(SAMPLES_ENV not in os.environ, reason=f"{SAMPLES_ENV} is not set")
@pytest.mark.parametrize(
    ("name", "count"), [("sample1", 3), ("sample3", 3), ("sample4", 4), ("sample6", 4)]
)
def test_find_in_group_photos_finds_everybody(
    installed_models: ModelCache, name: str, count: int
) -> None:
    photo = Image.open(Path(os.environ[SAMPLES_ENV]) / "photos" / f"{name}.jpg").convert("RGB")
    photo.thumbnail((1024, 1024))
    faces = find_faces(np.asarray(photo), installed_models, Report())
    assert len(faces) == count
    shut = [n for n, face in enumerate(faces) if not face.left_eye.is_open]
    assert shut == ([1] if name == "sample1" else [])
