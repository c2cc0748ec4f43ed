from __future__ import annotations

import numpy as np
import pytest

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.picture import Picture, Pixels
from studio.params import CutoutOutput
from tests.studio.tools.cutout.subjects import (
    BLUE,
    GREEN,
    RED,
    cut,
    disc,
    far_from,
    flat,
    notes_of,
    red_on_blue,
)


def test_cutout_on_white_shows_neither_black_nor_the_old_background() -> None:
    alpha = disc()

    image, _ = cut(red_on_blue(alpha), alpha, output="colour", colour="#ffffff")

    assert image.alpha is None
    expected = composite(flat(RED, alpha.shape), alpha, flat((255, 255, 255), alpha.shape))
    assert np.abs(image.pixels.astype(int) - expected).max() <= 6


def test_cutout_transparent_removed_background_is_gone_from_the_file() -> None:
    alpha = disc()

    for despill in (True, False):
        image, _ = cut(red_on_blue(alpha), alpha, despill=despill)
        assert not image.pixels[:15].any()


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


@pytest.mark.parametrize("size", [(60, 80), (119, 161), (240, 320)])
def test_cutout_own_background_of_any_size_shows_nothing_of_its_hidden_colours(
    size: tuple[int, int],
) -> None:
    alpha = disc()
    seen = np.zeros(size, np.uint8)
    seen[:, : size[1] // 2] = 255
    colours = np.where(seen[..., np.newaxis] > 0, np.uint8(GREEN), np.uint8((255, 0, 255)))

    image, _ = cut(red_on_blue(alpha), alpha, Picture(colours, seen), output="picture")

    behind = image.pixels[alpha == 0].astype(int)
    assert behind[:, 1].min() >= 250, "between green and white green is whole, in magenta none is"


def test_cutout_own_background_missing_is_refused() -> None:
    alpha = disc()
    with pytest.raises(UserInputError) as refusal:
        cut(red_on_blue(alpha), alpha, output="picture")
    assert refusal.value.code == "cutout.background_missing"


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


@pytest.mark.parametrize("output", [one for one in CutoutOutput if one is not CutoutOutput.PICTURE])
def test_cutout_background_picture_that_is_not_shown_is_noted(output: CutoutOutput) -> None:
    [note] = notes_of(output, background=True)
    assert note == f"The background given changed nothing: the background chosen is {output}."
