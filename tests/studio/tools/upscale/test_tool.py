from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import StudioError, UserInputError
from studio.imaging.picture import Picture
from studio.imaging.resample import resample
from studio.params import INTERPOLATION
from studio.report import Report
from tests.metrics import psnr_db
from tests.studio.tools.stand_ins import NearestModels
from tests.studio.tools.upscale.enlarging import enlarge, enlarge_by_network, smooth_picture
from tests.words import said


def test_upscale_by_interpolation_is_close_to_the_larger_original() -> None:
    original = smooth_picture(120, 160)

    enlarged = enlarge(Picture(resample(original, 80, 60)), scale=2)

    assert psnr_db(enlarged.pixels, original) > 40


@pytest.mark.parametrize("width_px", [81, 100])
def test_upscale_by_a_little_is_interpolated_and_said(width_px: int) -> None:
    picture, report = Picture(smooth_picture(60, 80)), Report()
    models = NearestModels(2, 4)
    enlarged = enlarge_by_network(picture, models, report, target_width_px=width_px)
    assert np.array_equal(enlarged.pixels, enlarge(picture, target_width_px=width_px).pixels)
    assert said(report.notes) == [
        "So slight an enlargement is interpolation: a network adds nothing to it."
    ]


def test_upscale_by_a_little_needs_no_network_and_tells_what_it_would_have_decided() -> None:
    report = Report()
    enlarge(
        Picture(smooth_picture(60, 80)),
        report,
        model="realesr-general-x4v3-torch",
        denoise=0.9,
        target_width_px=90,
    )
    assert said(report.notes) == [
        "So slight an enlargement is interpolation: a network adds nothing to it.",
        "Denoise 0.9 changed nothing: so slight an enlargement is interpolation.",
    ]


@pytest.mark.parametrize(
    ("model", "code"), [("isnet", "model.other_tool"), ("realesr-typo", "model.unknown")]
)
def test_upscale_by_a_little_with_a_model_that_would_not_do_is_refused(
    model: str, code: str
) -> None:
    with pytest.raises(StudioError) as refusal:
        enlarge(Picture(smooth_picture(60, 80)), model=model, target_width_px=90)
    assert refusal.value.code == code


def test_upscale_to_a_target_width_keeps_the_proportions() -> None:
    enlarged = enlarge(Picture(smooth_picture(60, 80)), target_width_px=200)

    assert (enlarged.width, enlarged.height) == (200, 150)


def test_upscale_to_a_target_that_is_smaller_is_refused() -> None:
    with pytest.raises(UserInputError) as refusal:
        enlarge(Picture(smooth_picture(60, 80)), target_width_px=80)
    assert refusal.value.code == "upscale.not_larger"


def test_upscale_enlarges_alpha_with_the_picture() -> None:
    alpha = np.zeros((60, 80), np.uint8)
    cv2.circle(alpha, (40, 30), 20, 255, -1)

    enlarged = enlarge(Picture(smooth_picture(), alpha), scale=3)

    assert enlarged.alpha is not None
    expected = np.zeros((180, 240), np.uint8)
    cv2.circle(expected, (121, 91), 61, 255, -1)
    assert np.abs(enlarged.alpha.astype(int) - expected).mean() < 3


def test_upscale_edge_of_a_cutout_is_not_darkened_by_what_is_hidden() -> None:
    """White subject, black stored under full transparency: every visible pixel stays white."""
    alpha = np.zeros((60, 80), np.uint8)
    cv2.circle(alpha, (40, 30), 20, 255, -1)
    pixels = np.where(alpha[..., None] > 0, np.uint8(255), np.uint8(0)).repeat(3, axis=2)

    enlarged = enlarge(Picture(pixels, alpha), scale=4)

    assert enlarged.alpha is not None
    assert enlarged.pixels[enlarged.alpha > 0].min() >= 253


def test_upscale_of_an_opaque_picture_has_no_alpha() -> None:
    assert enlarge(Picture(smooth_picture()), scale=2).alpha is None


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_upscale_by_network_runs_the_file_of_the_scale_asked_for(scale: int) -> None:
    models = NearestModels(2, 3, 4)
    pixels = smooth_picture(20, 30)

    enlarged = enlarge_by_network(Picture(pixels), models, scale=scale)

    assert models.opened == [scale]
    assert np.array_equal(enlarged.pixels, pixels.repeat(scale, 0).repeat(scale, 1))


@pytest.mark.parametrize("scale", [2, 3])
def test_upscale_by_a_network_that_only_knows_x4_is_averaged_down(scale: int) -> None:
    models = NearestModels(4)
    pixels = smooth_picture(20, 30)

    enlarged = enlarge_by_network(Picture(pixels), models, scale=scale)

    assert models.opened == [4]
    assert (enlarged.width, enlarged.height) == (30 * scale, 20 * scale)
    expected = cv2.resize(
        pixels.repeat(4, 0).repeat(4, 1), (30 * scale, 20 * scale), interpolation=cv2.INTER_AREA
    )
    assert np.abs(enlarged.pixels.astype(int) - expected).max() <= 1


def test_upscale_to_an_uneven_target_uses_the_next_larger_network() -> None:
    models = NearestModels(2, 3, 4)

    enlarged = enlarge_by_network(Picture(smooth_picture(20, 30)), models, target_width_px=70)

    assert models.opened == [3]
    assert (enlarged.width, enlarged.height) == (70, 47)


def test_upscale_beyond_the_network_is_finished_by_interpolation_and_says_so() -> None:
    report = Report()

    enlarged = enlarge_by_network(
        Picture(smooth_picture(20, 30)), NearestModels(2, 4), report, target_width_px=240
    )

    assert (enlarged.width, enlarged.height) == (240, 160)
    assert said(report.notes) == ["The network enlarges x4; the rest, to x8, is interpolation."]


def test_upscale_by_network_keeps_solid_and_empty_alpha_exact() -> None:
    """The network answers 253 for white and 2 for black: neither may show as a veil."""
    alpha = np.zeros((60, 80), np.uint8)
    cv2.circle(alpha, (40, 30), 20, 255, -1)

    enlarged = enlarge_by_network(Picture(smooth_picture(), alpha), NearestModels(4), scale=4)

    assert enlarged.alpha is not None
    assert enlarged.alpha[120, 160] == 255
    assert not enlarged.alpha[:20].any()
    assert 255 * (alpha == 255).mean() == pytest.approx(enlarged.alpha.mean(), abs=2)


def test_upscale_by_a_model_of_another_tool_is_refused() -> None:
    with pytest.raises(UserInputError, match="isnet is for matting, and upscale needs") as refusal:
        enlarge(Picture(smooth_picture()), model="isnet")
    assert refusal.value.code == "model.other_tool"
    assert "realesr-animevideov3, realesrgan-x4plus," in str(refusal.value)
    assert "gfpgan" not in str(refusal.value)
    assert "--tool upscale --task super-resolution" in str(refusal.value)


def test_upscale_progress_of_picture_and_alpha_is_one_rising_line() -> None:
    seen: list[float] = []
    alpha = np.full((60, 80), 100, np.uint8)

    enlarge_by_network(
        Picture(smooth_picture(), alpha),
        NearestModels(2),
        Report(lambda fraction, _: seen.append(fraction)),
        scale=2,
    )

    assert seen == sorted(seen)
    assert seen[-1] == 1


@given(
    height=st.integers(1, 17),
    width=st.integers(1, 300),
    scale=st.sampled_from([2, 3, 4]),
    is_transparent=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=40, deadline=None)
def test_upscale_of_any_size_answers_at_the_size_it_promised(
    height: int, width: int, scale: int, is_transparent: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    alpha = rng.integers(0, 256, (height, width), dtype=np.uint8) if is_transparent else None
    picture = Picture(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), alpha)

    enlarged = enlarge(picture, scale=scale)

    assert (enlarged.height, enlarged.width) == (height * scale, width * scale)
    assert (enlarged.alpha is None) == (alpha is None)


def test_upscale_denoise_reaches_the_network_as_a_share_of_its_weights() -> None:
    models, report = NearestModels(4, can_denoise=True), Report()

    enlarge_by_network(Picture(smooth_picture(20, 30)), models, report, scale=4, denoise=0.3)

    assert models.shares == [0.3]
    assert said(report.notes) == []


def test_upscale_by_eight_is_finished_by_interpolation_where_the_network_ends() -> None:
    report = Report()

    enlarged = enlarge_by_network(
        Picture(smooth_picture(20, 30)), NearestModels(4), report, scale=8
    )

    assert (enlarged.width, enlarged.height) == (240, 160)
    assert said(report.notes) == ["The network enlarges x4; the rest, to x8, is interpolation."]


def test_upscale_by_a_network_for_eight_needs_nothing_else() -> None:
    models, report = NearestModels(8), Report()

    enlarge_by_network(Picture(smooth_picture(20, 30)), models, report, scale=8)

    assert models.opened == [8]
    assert said(report.notes) == []


NO_DENOISE = "Denoise 0.8 changed nothing: {} has no such setting."
NO_FIDELITY = "Restoration fidelity 0.9 changed nothing: gfpgan-1.4 has no such setting."
NO_RESTORATION = "changed nothing: no face restoration was chosen."


@pytest.mark.parametrize(
    ("params", "notes"),
    [
        ({}, []),
        ({"denoise": 0.5, "restore_blend": 0.8, "restore_fidelity": 0.5}, []),
        ({"denoise": 0.8}, [NO_DENOISE.format(INTERPOLATION)]),
        (
            {"restore_blend": 0.3, "restore_fidelity": 1},
            [
                f"Restoration blend 0.3 {NO_RESTORATION}",
                f"Restoration fidelity 1 {NO_RESTORATION}",
            ],
        ),
        (
            {"scale": 3, "target_width_px": 90},
            ["Scale 3 changed nothing: the target width goes before it."],
        ),
        ({"target_width_px": 90}, []),
    ],
)
def test_upscale_says_which_settings_changed_nothing(
    params: dict[str, Any], notes: list[str]
) -> None:
    report = Report()
    enlarge(Picture(smooth_picture(20, 30)), report, **params)
    assert said(report.notes) == notes


def test_upscale_by_a_network_without_denoising_says_that_it_changed_nothing() -> None:
    report = Report()
    picture = Picture(smooth_picture(20, 30))
    enlarge_by_network(picture, NearestModels(2), report, denoise=0.8)
    assert said(report.notes) == [NO_DENOISE.format("repeating")]


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (3000, 17), (17, 3000)])
@pytest.mark.parametrize("is_cutout", [False, True])
def test_upscale_by_network_takes_every_size(size: tuple[int, int], *, is_cutout: bool) -> None:
    width, height = size
    alpha = np.full((height, width), 120, np.uint8) if is_cutout else None

    enlarged = enlarge_by_network(
        Picture(smooth_picture(height, width), alpha), NearestModels(2, 4), scale=3
    )

    assert (enlarged.width, enlarged.height) == (3 * width, 3 * height)
    assert (enlarged.alpha is not None) == is_cutout


def test_upscale_by_network_keeps_a_soft_alpha_edge_soft() -> None:
    """The network answers with an outline, as those do that sharpen."""
    ramp = np.clip((np.arange(80) - 36) * 255 / 7, 0, 255).astype(np.uint8)
    alpha = np.broadcast_to(ramp, (60, 80)).copy()
    models = NearestModels(4, then=lambda planes: (planes > 0.5).astype(np.float32))

    enlarged = enlarge_by_network(Picture(smooth_picture(), alpha), models, scale=4)

    assert enlarged.alpha is not None
    expected = resample(alpha, 320, 240).astype(int)
    assert np.abs(enlarged.alpha.astype(int) - expected).max() <= 16


def test_upscale_by_nearest_neighbour_makes_no_colour_that_was_not_there() -> None:
    rng = np.random.default_rng(4)
    palette = rng.integers(0, 256, (6, 3), dtype=np.uint8)
    sprite = palette[rng.integers(0, 6, (24, 24))]
    alpha = np.where(rng.random((24, 24)) < 0.3, np.uint8(0), np.uint8(255))
    alpha[3, 3], sprite[3, 3] = 90, palette[0]

    enlarged = enlarge(Picture(sprite, alpha), model="nearest", scale=3)

    assert np.array_equal(enlarged.alpha, alpha.repeat(3, 0).repeat(3, 1))
    shown = enlarged.alpha > 0
    assert np.array_equal(enlarged.pixels[shown], sprite.repeat(3, 0).repeat(3, 1)[shown])
