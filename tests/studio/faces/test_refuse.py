from __future__ import annotations

import numpy as np
import pytest

from studio.errors import UserInputError
from studio.faces.refuse import require_faces
from studio.report import Report
from studio.words import msg
from tests.studio.faces.networks import FaceModels

NOISE = np.random.default_rng(1).integers(0, 256, (80, 120, 3), dtype=np.uint8)


def refusal_of(pixels: np.ndarray, models: FaceModels, **more: object) -> UserInputError:
    with pytest.raises(UserInputError) as refusal:
        require_faces(pixels, models, Report(), code="faceswap.no_face", **more)
    return refusal.value


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (NOISE[:17], "it is only 120 × 17 px"),
        (NOISE // 8, "it is too dark"),
        (np.full((80, 120, 3), 200, np.uint8), "it shows hardly any contrast"),
        (NOISE, "nothing looks clearly like one"),
    ],
)
def test_require_faces_without_any_names_what_speaks_against_the_picture(
    pixels: np.ndarray, reason: str
) -> None:
    error = refusal_of(pixels, FaceModels())
    assert str(error.reason) == f"No face was found in this picture: {reason}"
    assert error.code == "faceswap.no_face"
    assert error.regions == ()


def test_require_faces_of_a_head_without_surroundings_asks_for_a_border() -> None:
    models = FaceModels([(0.5, 0.5, 1.0, 3.0)], face_logit=-5.0)
    error = refusal_of(NOISE[:, :80], models)
    assert str(error.reason).endswith("the head fills the frame")
    assert str(error.remedy).startswith("Add a border")


def test_require_faces_of_something_unclear_points_at_it() -> None:
    models = FaceModels([(0.5, 0.5, 0.2, 3.0)], face_logit=-5.0)
    (region,) = refusal_of(NOISE, models).regions
    assert region.is_fault
    assert 0 <= region.left <= 1
    assert str(region.text) == "not clearly a face"


def test_require_faces_of_another_picture_draws_nothing_on_the_main_one() -> None:
    models = FaceModels([(0.5, 0.5, 0.2, 3.0)], face_logit=-5.0)
    error = refusal_of(NOISE, models, where=msg("source 2"), is_main=False)
    assert "in source 2:" in str(error.reason)
    assert error.regions == ()


def test_require_faces_with_one_hands_it_out() -> None:
    models = FaceModels([(0.5, 0.5, 0.3, 3.0)])
    assert len(require_faces(NOISE, models, Report(), code="faceswap.no_face")) == 1
