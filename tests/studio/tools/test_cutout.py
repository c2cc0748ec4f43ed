from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.picture import Picture, Pixels
from studio.params import CutoutOutput, CutoutParams, parse_params
from studio.report import Report
from studio.tools.cutout import run
from tests.hair import make_hair
from tests.studio.tools.stand_ins import ListedModels, MattingModels, NoModels

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def disc(height: int = 120, width: int = 160, radius_px: int = 30, sigma_px: float = 3) -> Pixels:
    alpha = np.zeros((height, width), np.uint8)
    cv2.circle(alpha, (width // 2, height // 2), radius_px, 255, -1)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma_px), dtype=np.uint8)


def flat(colour: tuple[int, int, int], shape: tuple[int, ...]) -> Pixels:
    return np.full((*shape[:2], 3), colour, np.uint8)


def red_on_blue(alpha: Pixels) -> Picture:
    """A red subject photographed before a blue wall: soft edges show both."""
    return Picture(composite(flat(RED, alpha.shape), alpha, flat(BLUE, alpha.shape)))


def as_stored(alpha: Pixels) -> Picture:
    """An alpha as it comes back from its grey PNG."""
    return Picture(np.repeat(alpha[..., None], 3, axis=2))


def cut(
    picture: Picture, alpha: Pixels, background: Picture | None = None, **params: Any
) -> tuple[Picture, Pixels]:
    """Run with a stored alpha; any touch of a model fails the test."""
    inputs = {"image": picture, "alpha": as_stored(alpha)}
    if background is not None:
        inputs["background"] = background
    image, raw = run(inputs, CutoutParams(**params), NoModels(), Report())
    assert (image.role, raw.role) == ("image", "alpha")
    assert raw.picture.alpha is not None
    return image.picture, raw.picture.alpha


def far_from(actual: Pixels, colour: tuple[int, int, int]) -> int:
    return int(np.abs(actual.astype(int) - colour).max(initial=0))


def test_cutout_returns_the_raw_alpha_untouched_by_edge_options() -> None:
    alpha = disc()

    _, raw = cut(red_on_blue(alpha), alpha, feather_px=5, shift_px=-4, keep_largest=True, crop=True)

    assert np.array_equal(raw, alpha)


def test_cutout_transparent_soft_edges_carry_the_subjects_colour_alone() -> None:
    alpha = disc()

    image, _ = cut(red_on_blue(alpha), alpha)

    assert image.alpha is not None
    assert np.array_equal(image.alpha, alpha)
    soft = (alpha > 10) & (alpha < 250)
    assert far_from(image.pixels[soft], RED) <= 6


def test_cutout_on_white_shows_neither_black_nor_the_old_background() -> None:
    alpha = disc()

    image, _ = cut(red_on_blue(alpha), alpha, output="colour", colour="#ffffff")

    assert image.alpha is None
    expected = composite(flat(RED, alpha.shape), alpha, flat((255, 255, 255), alpha.shape))
    assert np.abs(image.pixels.astype(int) - expected).max() <= 6


def test_cutout_without_despill_keeps_the_original_colours_and_mixes_in_no_black() -> None:
    alpha = disc()
    picture = red_on_blue(alpha)

    image, _ = cut(picture, alpha, despill=False)

    visible = alpha > 0
    assert np.array_equal(image.pixels[visible], picture.pixels[visible])


def test_cutout_transparent_removed_background_is_gone_from_the_file() -> None:
    alpha = disc()

    for despill in (True, False):
        image, _ = cut(red_on_blue(alpha), alpha, despill=despill)
        assert not image.pixels[:15].any()


def test_cutout_mask_is_the_finished_alpha_in_grey() -> None:
    alpha = disc()

    image, _ = cut(red_on_blue(alpha), alpha, output="mask")

    assert image.alpha is None
    assert np.array_equal(image.pixels, as_stored(alpha).pixels)


@pytest.mark.parametrize("blur_px", [1, 12, 60])
def test_cutout_blurred_background_has_no_halo_of_the_subject(blur_px: float) -> None:
    alpha = disc(sigma_px=2)

    image, _ = cut(red_on_blue(alpha), alpha, output="blur", blur_px=blur_px)

    assert far_from(image.pixels[alpha == 0], BLUE) <= 2
    assert far_from(image.pixels[alpha == 255], RED) == 0


def test_cutout_own_background_fills_the_frame_and_shows_through_soft_edges() -> None:
    alpha = disc()
    background = Picture(flat(GREEN, (30, 200)))

    image, _ = cut(red_on_blue(alpha), alpha, background, output="picture")

    expected = composite(flat(RED, alpha.shape), alpha, flat(GREEN, alpha.shape))
    assert np.abs(image.pixels.astype(int) - expected).max() <= 6


def test_cutout_own_background_with_transparency_lies_on_white() -> None:
    alpha = disc()
    hidden = Picture(flat((0, 0, 0), (120, 160)), alpha=np.zeros((120, 160), np.uint8))

    image, _ = cut(red_on_blue(alpha), alpha, hidden, output="picture")

    assert far_from(image.pixels[alpha == 0], (255, 255, 255)) == 0


def test_cutout_own_background_missing_is_refused() -> None:
    alpha = disc()
    with pytest.raises(UserInputError) as refusal:
        cut(red_on_blue(alpha), alpha, output="picture")
    assert refusal.value.code == "cutout.background_missing"


@pytest.mark.parametrize("shift_px", [-6, 6])
def test_cutout_shift_moves_the_edge_and_shows_the_subjects_colour_there(shift_px: float) -> None:
    alpha = disc()

    image, _ = cut(red_on_blue(alpha), alpha, shift_px=shift_px)

    assert image.alpha is not None
    radius_px = np.sqrt((image.alpha > 127).sum() / np.pi)
    assert radius_px == pytest.approx(30 + shift_px, abs=1)
    assert far_from(image.pixels[image.alpha > 10], RED) <= 6


def test_cutout_feather_widens_the_soft_edge() -> None:
    alpha = disc(sigma_px=1)

    image, _ = cut(red_on_blue(alpha), alpha, feather_px=6)

    assert image.alpha is not None
    soft = ((image.alpha > 10) & (image.alpha < 245)).sum()
    assert soft > 3 * ((alpha > 10) & (alpha < 245)).sum()


def test_cutout_keep_largest_drops_the_smaller_object() -> None:
    alpha = disc()
    alpha[5:15, 5:15] = 255

    image, _ = cut(red_on_blue(alpha), alpha, keep_largest=True, output="mask")

    assert not image.pixels[:25, :25].any()
    assert image.pixels[60, 80].tolist() == [255, 255, 255]


def test_cutout_crop_ends_at_the_subject_with_its_margin() -> None:
    alpha = np.zeros((120, 160), np.uint8)
    alpha[40:60, 50:80] = 255

    image, raw = cut(red_on_blue(alpha), alpha, crop=True, crop_margin_px=7)

    assert (image.width, image.height) == (30 + 14, 20 + 14)
    assert image.alpha is not None
    assert image.alpha[7:27, 7:37].min() == 255
    assert raw.shape == alpha.shape


def test_cutout_multiplies_the_pictures_own_alpha_in() -> None:
    alpha = disc()
    own = np.full(alpha.shape, 128, np.uint8)
    own[:60] = 0

    image, raw = cut(red_on_blue(alpha).with_pixels(red_on_blue(alpha).pixels, own), alpha)

    assert image.alpha is not None
    assert not image.alpha[:60].any()
    assert image.alpha[60, 80] == 128
    assert np.array_equal(raw, alpha)


def test_cutout_black_under_the_pictures_own_transparency_reaches_no_edge() -> None:
    alpha = disc()
    own = np.full(alpha.shape, 255, np.uint8)
    own[:60] = 0
    pixels = red_on_blue(alpha).pixels.copy()
    pixels[:60] = 0

    image, _ = cut(Picture(pixels, own), alpha)

    assert image.alpha is not None
    assert far_from(image.pixels[image.alpha > 10], RED) <= 12


@pytest.mark.parametrize("level", [0, 10])
def test_cutout_of_nothing_says_so_and_what_to_do(level: int) -> None:
    alpha = np.full((40, 40), level, np.uint8)
    with pytest.raises(UserInputError, match="Try another model") as refusal:
        cut(Picture(flat(RED, alpha.shape)), alpha)
    assert refusal.value.code == "cutout.nothing_found"


def test_cutout_shifted_away_says_what_to_change() -> None:
    alpha = disc(radius_px=8)
    with pytest.raises(UserInputError, match="Shift the edge less") as refusal:
        cut(red_on_blue(alpha), alpha, shift_px=-20)
    assert refusal.value.code == "cutout.nothing_left"


def test_cutout_alpha_of_another_picture_is_refused() -> None:
    with pytest.raises(UserInputError, match="160 × 120 px") as refusal:
        cut(Picture(flat(RED, (50, 50))), disc())
    assert refusal.value.code == "cutout.alpha_size"


def test_cutout_accepts_a_finished_cutout_as_alpha() -> None:
    alpha = disc()
    finished = Picture(flat(RED, alpha.shape), alpha=alpha)
    inputs = {"image": red_on_blue(alpha), "alpha": finished}

    _, raw = run(inputs, CutoutParams(), NoModels(), Report())

    assert np.array_equal(raw.picture.alpha, alpha)


def test_cutout_without_alpha_runs_the_model_it_was_told_to_use() -> None:
    """The stand-in net answers with the red channel: the red disc is the subject."""
    picture = red_on_blue(disc())
    models = MattingModels(lambda planes: planes[:, :1])

    image, raw = run({"image": picture}, CutoutParams(model="matting"), models, Report())

    assert models.opened == ["matting"]
    assert np.abs(raw.picture.alpha.astype(int) - disc()).max() <= 1
    assert np.array_equal(image.picture.alpha, raw.picture.alpha)


def test_cutout_shows_the_network_no_pixels_that_are_hidden() -> None:
    """What lies under the picture's own transparency is white to the network, not red."""
    picture = Picture(flat(RED, (40, 40)), alpha=np.zeros((40, 40), np.uint8))
    models = MattingModels(lambda planes: 1 - planes[:, 1:2])

    with pytest.raises(UserInputError) as refusal:
        run({"image": picture}, CutoutParams(model="matting"), models, Report())
    assert refusal.value.code == "cutout.nothing_found"


def test_cutout_by_a_model_of_another_tool_is_refused() -> None:
    with pytest.raises(UserInputError, match="lama is for inpainting, and cutout") as refusal:
        run({"image": red_on_blue(disc())}, CutoutParams(model="lama"), ListedModels(), Report())
    assert refusal.value.code == "model.other_tool"


def test_cutout_fine_hair_is_worked_out_from_the_colours() -> None:
    hair = make_hair()

    plain, _ = cut(Picture(hair.pixels), hair.coarse)
    fine, raw = cut(Picture(hair.pixels), hair.coarse, matting=True)

    assert plain.alpha is not None
    assert fine.alpha is not None
    errors = [np.abs(one.alpha.astype(int) - hair.alpha).mean() for one in (plain, fine)]
    assert errors[1] < 0.3 * errors[0]
    assert np.array_equal(raw, hair.coarse), "what is stored is still what the network said"


def test_cutout_fine_hair_that_cannot_be_worked_out_is_said_in_the_record() -> None:
    haze = np.full((60, 60), 120, np.uint8)
    report = Report()
    inputs = {"image": red_on_blue(haze), "alpha": as_stored(haze)}

    image, _ = run(inputs, CutoutParams(matting=True), NoModels(), report)

    assert np.array_equal(image.picture.alpha, haze)
    [note] = report.notes
    assert "network's own edge was kept" in note


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


@pytest.mark.parametrize("output", ["colour", "blur", "picture"])
def test_cutout_shadow_darkens_every_background(output: str) -> None:
    alpha = disc(sigma_px=1)
    background = Picture(flat((255, 255, 255), alpha.shape)) if output == "picture" else None

    def made(*, shadow: bool) -> Pixels:
        image, _ = cut(
            red_on_blue(alpha), alpha, background, output=output, shadow=shadow, shadow_x_px=25
        )
        return image.pixels.astype(int)

    plain, darkened = made(shadow=False), made(shadow=True)
    assert darkened[64, 115].sum() < plain[64, 115].sum() - 60
    assert np.array_equal(darkened[60, 80], plain[60, 80])
    assert np.array_equal(darkened[5, 5], plain[5, 5])


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


def notes_of(output: CutoutOutput, *, background: bool = False, **params: Any) -> list[str]:
    alpha = disc()
    picture, report = red_on_blue(alpha), Report()
    inputs = {"image": picture, "alpha": as_stored(alpha)}
    if background:
        inputs["background"] = picture
    run(inputs, CutoutParams(output=output, **params), NoModels(), report)
    return report.notes


@pytest.mark.parametrize(
    ("output", "params", "note"),
    [
        ("mask", {"shadow": True}, "Drop shadow changed nothing: a mask shows the subject alone."),
        ("mask", {"outline_px": 9}, "Outline px 9.0 changed nothing: a mask shows the subject"),
        ("mask", {"despill": False}, "Despill off changed nothing: a mask has no colours."),
        ("blur", {"colour": "#112233"}, "Colour #112233 changed nothing: the background chosen"),
        ("colour", {"blur_px": 7}, "Blur px 7.0 changed nothing: the background chosen is colour."),
        ("transparent", {"shadow_x_px": 5}, "Shadow x px 5 changed nothing: no drop shadow was"),
        ("transparent", {"shadow_y_px": 5}, "Shadow y px 5 changed nothing: no drop shadow was"),
        ("transparent", {"shadow_blur_px": 5}, "Shadow blur px 5.0 changed nothing: no drop"),
        ("transparent", {"shadow_opacity": 1}, "Shadow opacity 1.0 changed nothing: no drop"),
        ("transparent", {"shadow_colour": "#ff0000"}, "Shadow colour #ff0000 changed nothing"),
        ("transparent", {"outline_colour": "#ff0000"}, "Outline colour #ff0000 changed nothing"),
        ("transparent", {"foreground_threshold": 200}, "Foreground threshold 200 changed nothing"),
        ("transparent", {"background_threshold": 20}, "Background threshold 20 changed nothing"),
        ("transparent", {"erode_size_px": 4}, "Erode size px 4 changed nothing: fine hair was not"),
        ("transparent", {"crop_margin_px": 4}, "Crop margin px 4 changed nothing: no crop was"),
    ],
)
def test_cutout_parameter_that_decides_nothing_is_noted(
    output: str, params: dict[str, Any], note: str
) -> None:
    [noted] = notes_of(CutoutOutput(output), **params)
    assert noted.startswith(note)


@pytest.mark.parametrize("output", [one for one in CutoutOutput if one is not CutoutOutput.PICTURE])
def test_cutout_background_picture_that_is_not_shown_is_noted(output: CutoutOutput) -> None:
    [note] = notes_of(output, background=True)
    assert note == f"The background given changed nothing: the background chosen is {output}."


@pytest.mark.parametrize(
    ("output", "params"),
    [
        ("mask", {}),
        ("colour", {"colour": "#112233", "despill": False}),
        ("blur", {"blur_px": 7}),
        ("picture", {"background": True, "shadow": True, "shadow_x_px": 5, "outline_px": 9}),
        ("transparent", {"outline_px": 2, "outline_colour": "#ff0000"}),
        ("transparent", {"matting": True, "erode_size_px": 4}),
        ("mask", {"crop": True, "crop_margin_px": 4}),
    ],
)
def test_cutout_that_uses_what_it_is_given_has_no_notes(
    output: str, params: dict[str, Any]
) -> None:
    assert notes_of(CutoutOutput(output), **params) == []


def test_cutout_thresholds_that_leave_no_band_are_refused() -> None:
    with pytest.raises(UserInputError, match="below the foreground threshold"):
        parse_params("cutout", {"foreground_threshold": 50, "background_threshold": 60})


@given(
    height=st.integers(1, 17),
    width=st.integers(1, 300),
    output=st.sampled_from(CutoutOutput),
    edge=st.sampled_from(
        [
            {},
            {"shift_px": 2.5},
            {"feather_px": 3},
            {"crop": True},
            {"shadow": True, "outline_px": 3},
            {"crop": True, "shadow": True, "outline_px": 2.5},
            {"matting": True, "erode_size_px": 1},
        ]
    ),
    is_transparent=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_cutout_of_any_size_answers_at_that_size(
    height: int,
    width: int,
    output: CutoutOutput,
    edge: dict[str, Any],
    is_transparent: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    alpha = rng.integers(0, 256, (height, width), dtype=np.uint8)
    alpha[0, 0] = 255
    own = np.full((height, width), 200, np.uint8) if is_transparent else None
    picture = Picture(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), own)

    image, raw = cut(picture, alpha, picture, output=output, **edge)

    assert np.array_equal(raw, alpha)
    if "crop" not in edge:
        assert (image.height, image.width) == (height, width)
    assert (image.alpha is not None) == (output is CutoutOutput.TRANSPARENT)
