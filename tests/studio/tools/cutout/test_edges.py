from __future__ import annotations

import numpy as np
import pytest

from studio.errors import UserInputError
from studio.imaging.picture import Picture
from studio.params import CutoutParams
from studio.report import Report
from studio.tools.cutout.tool import run
from tests.hair import make_hair
from tests.studio.tools.cutout.subjects import (
    GREEN,
    RED,
    as_stored,
    cut,
    disc,
    far_from,
    flat,
    inputs_of,
    red_on_blue,
)
from tests.studio.tools.stand_ins import NoModels
from tests.words import said


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


def test_cutout_without_despill_keeps_the_original_colours_and_mixes_in_no_black() -> None:
    alpha = disc()
    picture = red_on_blue(alpha)

    image, _ = cut(picture, alpha, despill=False)

    visible = alpha > 0
    assert np.array_equal(image.pixels[visible], picture.pixels[visible])


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


def test_cutout_of_a_cutout_keeps_its_soft_edge() -> None:
    """Network and picture say the same of one edge, which is no reason to fade it."""
    alpha = disc(sigma_px=3)

    image, _ = cut(red_on_blue(alpha).with_pixels(flat(RED, alpha.shape), alpha), alpha)

    assert np.array_equal(image.alpha, alpha)


def test_cutout_black_under_the_pictures_own_transparency_reaches_no_edge() -> None:
    alpha = disc()
    own = np.full(alpha.shape, 255, np.uint8)
    own[:60] = 0
    pixels = red_on_blue(alpha).pixels.copy()
    pixels[:60] = 0

    image, _ = cut(Picture(pixels, own), alpha)

    assert image.alpha is not None
    assert far_from(image.pixels[image.alpha > 10], RED) <= 12


def test_cutout_without_despill_leaves_no_hidden_colours_beside_the_visible_edge() -> None:
    """Viewers mix neighbours, so that they would come out at the edge."""
    alpha = disc()
    own = np.full(alpha.shape, 255, np.uint8)
    own[:60] = 0
    pixels = flat(RED, alpha.shape)
    pixels[:60] = GREEN

    image, _ = cut(Picture(pixels, own), alpha, despill=False)

    assert image.alpha is not None
    assert not image.alpha[:60].any()
    assert image.pixels[..., 1].max() == 0


def test_cutout_shifted_away_says_what_to_change() -> None:
    alpha = disc(radius_px=8)
    with pytest.raises(UserInputError, match="Shift the edge less") as refusal:
        cut(red_on_blue(alpha), alpha, shift_px=-20)
    assert refusal.value.code == "cutout.nothing_left"


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
    inputs = inputs_of(image=red_on_blue(haze), alpha=as_stored(haze))

    image, _ = run(inputs, CutoutParams(matting=True), NoModels(), report)

    assert np.array_equal(image.picture.alpha, haze)
    [note] = said(report.notes)
    assert "network's own edge was kept" in note
