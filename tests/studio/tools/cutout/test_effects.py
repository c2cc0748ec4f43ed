from __future__ import annotations

import numpy as np
import pytest

from studio.imaging.masks import subject_box
from studio.imaging.picture import Picture
from studio.params import CutoutParams
from studio.report import Report
from studio.tools.cutout.tool import run
from studio.tools.spec import ToolInputs
from tests.studio.tools.cutout.subjects import (
    GREEN,
    RED,
    as_stored,
    cut,
    disc,
    far_from,
    flat,
    red_on_blue,
)
from tests.studio.tools.stand_ins import NoModels
from tests.words import said


def test_cutout_crop_ends_at_the_subject_with_its_margin() -> None:
    alpha = np.zeros((120, 160), np.uint8)
    alpha[40:60, 50:80] = 255

    image, raw = cut(red_on_blue(alpha), alpha, crop=True, crop_margin_px=7)

    assert (image.width, image.height) == (30 + 14, 20 + 14)
    assert image.alpha is not None
    assert image.alpha[7:27, 7:37].min() == 255
    assert raw.shape == alpha.shape


def test_cutout_shadow_lies_beneath_and_beside_the_subject() -> None:
    alpha = disc(sigma_px=1)
    params = {"shadow_x_px": 20, "shadow_y_px": 0, "shadow_blur_px": 0, "shadow_opacity": 0.5}

    image, _ = cut(red_on_blue(alpha), alpha, shadow=True, shadow_colour="#00ff00", **params)

    assert image.alpha is not None
    assert far_from(image.pixels[60, 80], RED) == 0
    assert image.alpha[60, 80] == 255
    assert image.alpha[60, 125] == 128
    assert far_from(image.pixels[60, 125], GREEN) <= 1
    assert image.alpha[60, 40] == 0


def test_cutout_outline_surrounds_the_subject_in_its_colour() -> None:
    alpha = disc(sigma_px=1)

    image, _ = cut(red_on_blue(alpha), alpha, outline_px=8, outline_colour="#00ff00")

    assert image.alpha is not None
    assert np.sqrt((image.alpha > 127).sum() / np.pi) == pytest.approx(38, abs=0.7)
    assert far_from(image.pixels[60, 80 + 34], GREEN) <= 1
    assert far_from(image.pixels[60, 80], RED) == 0


def test_cutout_crop_holds_outline_and_shadow_and_goes_on_beyond_the_border() -> None:
    alpha = np.zeros((60, 60), np.uint8)
    alpha[30:, 20:40] = 255
    effects = {"outline_px": 5, "shadow": True, "shadow_x_px": 10, "shadow_y_px": 8}

    image, raw = cut(
        red_on_blue(alpha), alpha, crop=True, crop_margin_px=0, shadow_blur_px=0, **effects
    )

    # Ten pixels of outline, and what the shadow reaches further: right and down.
    assert (image.width, image.height) == (20 + 10 + 10, 30 + 10 + 8)
    assert image.alpha is not None
    assert image.alpha[-1].max() > 100, "the shadow below a subject that the border cut"
    assert raw.shape == alpha.shape


def test_cutout_crop_before_a_picture_stays_inside_its_frame() -> None:
    alpha = np.zeros((60, 60), np.uint8)
    alpha[30:, 20:40] = 255
    background = Picture(flat(GREEN, alpha.shape))

    image, _ = cut(
        red_on_blue(alpha),
        alpha,
        background,
        output="picture",
        crop=True,
        crop_margin_px=0,
        outline_px=5,
    )

    assert (image.width, image.height) == (30, 35)


def test_cutout_mask_shows_the_subject_without_effects() -> None:
    alpha = disc()
    image, _ = cut(red_on_blue(alpha), alpha, output="mask", shadow=True, outline_px=9)
    assert np.array_equal(image.pixels, as_stored(alpha).pixels)


SHADOW_BEYOND = {"crop": True, "shadow": True, "shadow_x_px": 500, "shadow_y_px": 0}


def with_shadow_beyond(
    height: int, width: int, *, max_pixels: int | None = None, **params: object
) -> tuple[Picture, list[str]]:
    """All of a red picture with a shadow that goes on to the right of it."""
    whole, report = np.full((height, width), 255, np.uint8), Report()
    pictures = {"image": [Picture(flat(RED, whole.shape))], "alpha": [as_stored(whole)]}
    values = CutoutParams.model_validate({**SHADOW_BEYOND, "shadow_blur_px": 0, **params})
    image, _ = run(ToolInputs(pictures, max_pixels=max_pixels), values, NoModels(), report)
    return image.picture, said(report.notes)


def test_cutout_shadow_beyond_the_border_is_cut_where_the_format_ends() -> None:
    image, notes = with_shadow_beyond(2, 16_000, format="webp")
    assert image.width == 16_383
    assert any(note.startswith("Shadow and outline are cut off") for note in notes)


def test_cutout_shadow_beyond_the_border_is_cut_where_the_studios_limit_ends() -> None:
    image, notes = with_shadow_beyond(100, 100, max_pixels=15_000)
    assert (image.width, image.height) == (150, 100)
    assert any(note.startswith("Shadow and outline are cut off") for note in notes)


def test_cutout_shadow_beyond_the_border_is_whole_where_there_is_room() -> None:
    image, notes = with_shadow_beyond(100, 100, max_pixels=60_000)
    assert (image.width, image.height) == (600, 100)
    assert not notes


def test_cutout_small_subject_of_a_large_picture_has_all_its_shadow() -> None:
    alpha = np.zeros((200, 300), np.uint8)
    alpha[150:, 270:] = 255
    pictures = {"image": [red_on_blue(alpha)], "alpha": [as_stored(alpha)]}
    values = CutoutParams(crop=True, crop_margin_px=0, shadow=True, shadow_blur_px=0)
    report = Report()

    image, _ = run(ToolInputs(pictures, max_pixels=alpha.size), values, NoModels(), report)

    beyond_px = (values.shadow_x_px, values.shadow_y_px)
    assert (image.picture.width, image.picture.height) == (30 + beyond_px[0], 50 + beyond_px[1])
    assert not report.notes


@pytest.mark.parametrize("margin_px", [0, 9])
@pytest.mark.parametrize("shadow_x_px", [-40, 40])
def test_cutout_crop_shows_what_the_whole_picture_shows_there(
    margin_px: int, shadow_x_px: int
) -> None:
    alpha = disc(sigma_px=1)
    effects = {"shadow": True, "shadow_x_px": shadow_x_px, "shadow_y_px": 0, "shadow_blur_px": 0}

    whole, _ = cut(red_on_blue(alpha), alpha, **effects)
    image, _ = cut(red_on_blue(alpha), alpha, crop=True, crop_margin_px=margin_px, **effects)

    assert whole.alpha is not None
    assert image.alpha is not None
    x0, y0, x1, y1 = subject_box(whole.alpha, margin_px)
    assert np.array_equal(image.alpha, whole.alpha[y0:y1, x0:x1])
