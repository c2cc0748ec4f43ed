"""The face swap as a tool, with the face search's real networks."""

from __future__ import annotations

import numpy as np
import pytest

from studio.errors import UserInputError
from studio.imaging.grey import find_tone, is_grey, without_colour
from studio.imaging.picture import Picture
from studio.imaging.resample import resample
from studio.models.cache import ModelCache
from studio.params import FaceswapParams
from studio.report import Report
from studio.tools.faceswap.tool import run
from studio.tools.spec import ToolInputs
from tests.studio.tools.faceswap.swaps import (
    FACE,
    FACE_SEARCH,
    blank,
    change_in,
    darker,
    side_by_side,
    swap,
)
from tests.studio.tools.stand_ins import NoModels
from tests.words import said

pytestmark = [
    pytest.mark.slow,
    pytest.mark.weights(*FACE_SEARCH),
    pytest.mark.usefixtures("need_weights"),
]


def test_faceswap_swaps_the_face_and_says_how_far_it_is_off(
    installed_models: ModelCache, portrait: Picture
) -> None:
    target = darker(portrait)

    result, report = swap(installed_models, target, portrait)

    assert change_in(FACE, result.pixels, target.pixels) > 0.5
    outside = np.ones(target.pixels.shape[:2], bool)
    outside[40:200, 140:310] = False
    assert np.array_equal(result.pixels[outside], target.pixels[outside])
    [region] = report.regions
    assert region.label == "1"
    assert str(region.text).startswith("swapped, ")
    assert str(region.text).endswith("% off")
    assert not region.is_fault
    assert {use.id for use in report.weights} >= {"blazeface-short", "facemesh"}


def test_faceswap_of_two_faces_by_table_leaves_the_other_alone(
    installed_models: ModelCache, portrait: Picture
) -> None:
    target = side_by_side(portrait, darker(portrait))

    result, report = swap(installed_models, target, portrait, faces=[None, 1])

    assert np.array_equal(result.pixels[:, :512], portrait.pixels)
    assert not np.array_equal(result.pixels, target.pixels)
    assert [region.label for region in report.regions] == ["2"]
    assert said(report.notes) == [
        "Face 1 was not chosen and is left as it was.",
        "Face 2 keeps its mouth (it is open).",
    ]


def test_faceswap_does_not_see_a_face_under_alpha_zero(
    installed_models: ModelCache, portrait: Picture
) -> None:
    pair = side_by_side(portrait, darker(portrait))
    alpha = np.full(pair.pixels.shape[:2], 255, np.uint8)
    alpha[:, :512] = 0

    result, report = swap(installed_models, pair.with_pixels(pair.pixels, alpha), portrait)

    assert [region.label for region in report.regions] == ["1"]
    assert np.array_equal(result.pixels[:, :512], portrait.pixels)
    assert not np.array_equal(result.pixels, pair.pixels)


def test_faceswap_keeps_the_alpha_and_the_size(
    installed_models: ModelCache, portrait: Picture
) -> None:
    alpha = np.full(portrait.pixels.shape[:2], 200, np.uint8)

    result, _ = swap(installed_models, portrait.with_pixels(portrait.pixels, alpha), portrait)

    assert result.alpha is not None
    assert np.array_equal(result.alpha, alpha)
    assert result.pixels.shape == portrait.pixels.shape


def test_faceswap_with_several_faces_in_a_source_takes_the_largest_and_says_so(
    installed_models: ModelCache, portrait: Picture
) -> None:
    small = Picture(np.full_like(portrait.pixels, 128))
    small.pixels[:256, :256] = resample(portrait.pixels, 256, 256)

    _, report = swap(installed_models, portrait, side_by_side(small, portrait))

    assert "Source 1 shows 2 faces; the largest was used." in said(report.notes)


def test_faceswap_by_number_asks_no_face_of_a_source_that_is_not_used(
    installed_models: ModelCache, portrait: Picture
) -> None:
    wall = Picture(np.full_like(portrait.pixels, 128))

    _, report = swap(installed_models, portrait, portrait, wall, faces=[1])

    assert "Nothing was done with source 2." in said(report.notes)


def test_faceswap_of_a_grey_photograph_by_a_coloured_face_stays_grey(
    installed_models: ModelCache, portrait: Picture
) -> None:
    grey = Picture(without_colour(darker(portrait).pixels))

    result, report = swap(installed_models, grey, portrait)

    assert is_grey(result.pixels)
    assert not np.array_equal(result.pixels, grey.pixels)
    assert [region.is_fault for region in report.regions] == [False]


def test_faceswap_of_a_toned_photograph_by_a_coloured_face_stays_in_its_tone(
    installed_models: ModelCache, portrait: Picture
) -> None:
    grey = without_colour(darker(portrait).pixels).astype(float)
    sepia = Picture(np.clip(np.rint(grey * (1.07, 0.98, 0.8)), 0, 255).astype(np.uint8))

    result, _ = swap(installed_models, sepia, portrait)

    tone = find_tone(sepia.pixels)
    assert tone is not None
    assert not np.array_equal(result.pixels, sepia.pixels)
    assert np.abs(result.pixels.astype(int) - tone.applied(result.pixels)).max() <= 4


def test_faceswap_leaves_a_tiny_face_and_swaps_the_other(
    installed_models: ModelCache, portrait: Picture
) -> None:
    small = Picture(np.full_like(portrait.pixels, 128))
    small.pixels[:150, :150] = resample(portrait.pixels, 150, 150)
    target = side_by_side(small, portrait)

    result, report = swap(installed_models, target, portrait, choice="all")

    assert np.array_equal(result.pixels[:, :512], target.pixels[:, :512])
    assert [region.is_fault for region in report.regions] == [True, False]
    [kept, left] = said(report.notes)
    assert kept == "Face 2 keeps its mouth (it is open)."
    assert left.startswith("Face 1 was left as it was: too small")


def test_faceswap_with_no_usable_face_refuses_and_shows_them(
    installed_models: ModelCache, portrait: Picture
) -> None:
    target = Picture(np.full((300, 300, 3), 128, np.uint8))
    target.pixels[:150, :150] = resample(portrait.pixels, 150, 150)

    with pytest.raises(UserInputError, match="Face 1: too small") as refusal:
        swap(installed_models, target, portrait)

    assert refusal.value.code == "faceswap.no_usable_face"
    [region] = refusal.value.regions
    assert region.is_fault
    assert 0.1 < region.left < 0.3


@pytest.mark.parametrize(
    ("role", "code"), [("image", "faceswap.no_face"), ("source", "faceswap.no_source_face")]
)
def test_faceswap_without_a_face_is_refused(
    installed_models: ModelCache, portrait: Picture, role: str, code: str
) -> None:
    image, source = (blank(), portrait) if role == "image" else (portrait, blank())

    with pytest.raises(UserInputError) as refusal:
        swap(installed_models, image, portrait, source)

    assert refusal.value.code == code
    if role == "source":
        assert "source 2" in str(refusal.value)


def test_faceswap_by_likeness_without_a_reference_is_refused_before_any_work(
    portrait: Picture,
) -> None:
    with pytest.raises(UserInputError) as refusal:
        swap(NoModels(), portrait, portrait, choice="likeness")
    assert refusal.value.code == "faceswap.reference_missing"


@pytest.mark.parametrize("role", ["source", "reference"])
def test_faceswap_without_a_face_to_put_in_names_that_file(
    installed_models: ModelCache, portrait: Picture, role: str
) -> None:
    pictures = {"image": [portrait], "source": [portrait], "reference": [portrait]}
    names = {each: [f"{each}.jpg"] for each in pictures}
    inputs = ToolInputs(pictures | {role: [blank()]}, names)
    with pytest.raises(UserInputError, match=rf"^{role}\.jpg: No face was found") as refusal:
        run(inputs, FaceswapParams(choice="likeness"), installed_models, Report())
    assert refusal.value.code == "faceswap.no_source_face"


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (17, 3000), (3000, 17), (64, 64)], ids=lambda size: f"{size}"
)
def test_faceswap_of_any_size_without_a_face_refuses_cleanly(
    installed_models: ModelCache, portrait: Picture, size: tuple[int, int]
) -> None:
    with pytest.raises(UserInputError) as refusal:
        swap(installed_models, blank(*size), portrait)

    assert refusal.value.code == "faceswap.no_face"
