from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.picture import Picture
from studio.params import CutoutOutput, CutoutParams
from studio.report import Report
from studio.tools.cutout.tool import run
from studio.tools.registry import parse_params
from tests.studio.tools.cutout.subjects import (
    RED,
    as_stored,
    cut,
    disc,
    flat,
    inputs_of,
    notes_of,
    red_on_blue,
)
from tests.studio.tools.stand_ins import ListedModels, MattingModels, NoModels
from tests.words import said


def test_cutout_mask_is_the_finished_alpha_in_grey() -> None:
    alpha = disc()

    image, _ = cut(red_on_blue(alpha), alpha, output="mask")

    assert image.alpha is None
    assert np.array_equal(image.pixels, as_stored(alpha).pixels)


def test_cutout_shows_no_more_than_the_pictures_own_alpha() -> None:
    alpha = disc()
    own = np.full(alpha.shape, 128, np.uint8)
    own[:60] = 0

    image, raw = cut(red_on_blue(alpha).with_pixels(red_on_blue(alpha).pixels, own), alpha)

    assert image.alpha is not None
    assert not image.alpha[:60].any()
    assert image.alpha[60, 80] == 128
    assert np.array_equal(raw, alpha)


@pytest.mark.parametrize("level", [0, 10])
def test_cutout_of_nothing_says_so_and_what_to_do(level: int) -> None:
    alpha = np.full((40, 40), level, np.uint8)
    with pytest.raises(UserInputError, match="Try another model") as refusal:
        cut(Picture(flat(RED, alpha.shape)), alpha)
    assert refusal.value.code == "cutout.nothing_found"


def test_cutout_alpha_of_another_picture_is_refused() -> None:
    with pytest.raises(UserInputError, match="160 × 120 px") as refusal:
        cut(Picture(flat(RED, (50, 50))), disc())
    assert refusal.value.code == "cutout.alpha_size"


def test_cutout_of_an_alpha_with_colours_notes_what_was_read_of_it() -> None:
    alpha = disc()
    painted = as_stored(alpha)
    for mask, notes in (
        (painted, []),
        (
            Picture(composite(flat(RED, alpha.shape), alpha, flat((0, 0, 0), alpha.shape))),
            ["The mask was read from the brightest of its colour channels."],
        ),
        (Picture(flat(RED, alpha.shape), alpha), ["The mask was read from its transparency."]),
    ):
        report = Report()
        _, raw = run(inputs_of(image=painted, alpha=mask), CutoutParams(), NoModels(), report)
        assert said(report.notes) == notes
        assert np.array_equal(raw.picture.alpha, alpha)


def test_cutout_of_a_mask_with_an_erased_blot_takes_black_for_no_subject() -> None:
    mask, opacity = as_stored(disc()), np.full((120, 160), 255, np.uint8)
    mask.pixels[:10, :10], opacity[:10, :10] = 255, 0
    inputs, report = (
        inputs_of(image=as_stored(disc()), alpha=Picture(mask.pixels, opacity)),
        Report(),
    )
    _, raw = run(inputs, CutoutParams(), NoModels(), report)
    assert np.array_equal(raw.picture.alpha, disc())
    [note] = said(report.notes)
    assert "transparent counts as black" in note


def test_cutout_of_an_alpha_of_two_levels_keeps_them() -> None:
    alpha = np.where(disc() > 128, np.uint8(200), np.uint8(40))
    _, raw = cut(red_on_blue(alpha), alpha)
    assert np.array_equal(raw, alpha)


def test_cutout_accepts_a_finished_cutout_as_alpha() -> None:
    alpha = disc()
    finished = Picture(flat(RED, alpha.shape), alpha=alpha)
    inputs = inputs_of(image=red_on_blue(alpha), alpha=finished)

    _, raw = run(inputs, CutoutParams(), NoModels(), Report())

    assert np.array_equal(raw.picture.alpha, alpha)


def test_cutout_without_alpha_runs_the_model_it_was_told_to_use() -> None:
    """The stand-in net answers with the red channel: the red disc is the subject."""
    picture = red_on_blue(disc())
    models = MattingModels(lambda planes: planes[:, :1])

    image, raw = run(inputs_of(image=picture), CutoutParams(model="matting"), models, Report())

    assert models.opened == ["matting"]
    assert np.abs(raw.picture.alpha.astype(int) - disc()).max() <= 1
    assert np.array_equal(image.picture.alpha, raw.picture.alpha)


def test_cutout_shows_the_network_no_pixels_that_are_hidden() -> None:
    """What lies under the picture's own transparency is white to the network, not red."""
    picture = Picture(flat(RED, (40, 40)), alpha=np.zeros((40, 40), np.uint8))
    models = MattingModels(lambda planes: 1 - planes[:, 1:2])

    with pytest.raises(UserInputError) as refusal:
        run(inputs_of(image=picture), CutoutParams(model="matting"), models, Report())
    assert refusal.value.code == "cutout.nothing_found"


def test_cutout_by_a_model_of_another_tool_is_refused() -> None:
    with pytest.raises(UserInputError, match="lama is for inpainting, and cutout") as refusal:
        run(
            inputs_of(image=red_on_blue(disc())),
            CutoutParams(model="lama"),
            ListedModels(),
            Report(),
        )
    assert refusal.value.code == "model.other_tool"


@pytest.mark.parametrize(
    ("output", "params", "note"),
    [
        ("mask", {"shadow": True}, "Drop shadow changed nothing: a mask shows the subject alone."),
        ("mask", {"outline_px": 9}, "Outline 9 px changed nothing: a mask shows the subject"),
        ("mask", {"despill": False}, "Despill off changed nothing: a mask has no colours."),
        ("blur", {"colour": "#112233"}, "Colour #112233 changed nothing: the background chosen"),
        ("colour", {"blur_px": 7}, "Blur 7 px changed nothing: the background chosen is colour."),
        (
            "transparent",
            {"shadow_x_px": 5},
            "Shadow to the right 5 px changed nothing: no drop shadow was",
        ),
        (
            "transparent",
            {"shadow_y_px": 5},
            "Shadow downwards 5 px changed nothing: no drop shadow was",
        ),
        ("transparent", {"shadow_blur_px": 5}, "Shadow blur 5 px changed nothing: no drop"),
        ("transparent", {"shadow_opacity": 1}, "Shadow opacity 1 changed nothing: no drop"),
        ("transparent", {"shadow_colour": "#ff0000"}, "Shadow colour #ff0000 changed nothing"),
        ("transparent", {"outline_colour": "#ff0000"}, "Outline colour #ff0000 changed nothing"),
        ("transparent", {"foreground_threshold": 200}, "Foreground threshold 200 changed nothing"),
        ("transparent", {"background_threshold": 20}, "Background threshold 20 changed nothing"),
        ("transparent", {"erode_size_px": 4}, "Erode size 4 px changed nothing: fine hair was not"),
        ("transparent", {"crop_margin_px": 4}, "Crop margin 4 px changed nothing: no crop was"),
    ],
)
def test_cutout_parameter_that_decides_nothing_is_noted(
    output: str, params: dict[str, Any], note: str
) -> None:
    [noted] = notes_of(CutoutOutput(output), **params)
    assert noted.startswith(note)


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
