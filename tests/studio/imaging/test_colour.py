from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from studio.imaging.picture import Picture
from tests.metrics import max_difference
from tests.studio.imaging import files
from tests.studio.imaging.files import decoded, photo, save
from tests.words import said


@pytest.mark.parametrize("space", [files.ADOBE_RGB, files.DISPLAY_P3], ids=["adobe", "p3"])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WEBP"])
def test_decode_of_wide_gamut_matches_the_formulas(
    format_name: str, space: tuple[tuple[float, float], ...]
) -> None:
    options = {"lossless": True} if format_name == "WEBP" else {}
    profile = files.rgb_profile(*space, name="Wide RGB")
    picture = decoded(save(photo(), format_name, icc_profile=profile, **options))
    assert max_difference(picture.pixels, files.expected_srgb(photo(), *space)) <= 2
    assert max_difference(picture.pixels, photo()) > 50
    assert said(picture.notes) == ["Colours were converted from Wide RGB to sRGB."]


def test_decode_of_wide_gamut_heic_matches_the_formulas() -> None:
    profile = files.rgb_profile(*files.DISPLAY_P3)
    picture = decoded(save(photo(), "HEIF", quality=95, icc_profile=profile))
    expected = files.expected_srgb(photo(), *files.DISPLAY_P3)
    error = np.abs(picture.pixels.astype(int) - expected)
    assert error.mean() < 2


def test_decode_of_an_srgb_profile_changes_nothing() -> None:
    profile = files.rgb_profile((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), None)
    picture = decoded(save(photo(), "PNG", icc_profile=profile))
    assert max_difference(picture.pixels, photo()) == 0
    assert picture.notes == ()


def test_decode_of_a_profile_leaves_alpha_alone() -> None:
    alpha = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    data = save(np.dstack((photo(), alpha)), "PNG", icc_profile=files.rgb_profile(*files.ADOBE_RGB))
    picture = decoded(data)
    assert picture.alpha is not None
    assert max_difference(picture.alpha, alpha) == 0
    expected = files.expected_srgb(photo(), *files.ADOBE_RGB)
    assert max_difference(picture.pixels, expected) <= 2


def test_decode_of_a_grey_profile_follows_its_curve() -> None:
    grey = np.arange(256, dtype=np.uint8)[np.newaxis]
    picture = decoded(save(grey, "PNG", icc_profile=files.grey_profile(1.0)))
    expected = np.rint(files.linear_to_srgb(grey / 255) * 255).astype(np.uint8)
    assert max_difference(picture.pixels[..., 0], expected) <= 2


def test_decode_of_grey_with_a_colour_profile_applies_it() -> None:
    grey = np.arange(256, dtype=np.uint8)[np.newaxis]
    profile = files.rgb_profile((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), 1.0)
    picture = decoded(save(grey, "PNG", icc_profile=profile))
    expected = np.rint(files.linear_to_srgb(grey / 255) * 255).astype(np.uint8)
    assert max_difference(picture.pixels[..., 1], expected) <= 2


@pytest.mark.parametrize("profile", [b"junk", b"\0" * 200, files.grey_profile(1.0)])
def test_decode_of_an_unusable_profile_ignores_it_and_says_so(profile: bytes) -> None:
    picture = decoded(save(photo(), "PNG", icc_profile=profile))
    assert max_difference(picture.pixels, photo()) == 0
    assert "was ignored" in str(picture.notes[0])


INKS = np.array(
    [[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255]]], np.uint8
)
NAIVE_RGB = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]]


def _ink_blocks() -> np.ndarray:
    """Each ink fills 16 x 16 pixels, so that JPEG does not mix them."""
    return INKS.repeat(16, axis=0).repeat(16, axis=1)


def _block_colours(picture: Picture) -> np.ndarray:
    return picture.pixels[8, 8::16]


def _without_adobe_marker(jpeg: bytes) -> bytes:
    start = jpeg.index(b"\xff\xee")
    return jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") :]


def test_decode_of_adobe_cmyk_jpeg_is_not_inverted() -> None:
    image = Image.frombytes("CMYK", (80, 16), _ink_blocks().tobytes())
    picture = decoded(save(image, "JPEG", quality=100))
    assert max_difference(_block_colours(picture), np.array(NAIVE_RGB, np.uint8)) <= 4
    assert "approximation" in str(picture.notes[0])


def test_decode_of_plain_cmyk_jpeg_is_not_inverted_either() -> None:
    inverted = Image.frombytes("CMYK", (80, 16), (255 - _ink_blocks()).tobytes())
    picture = decoded(_without_adobe_marker(save(inverted, "JPEG", quality=100)))
    assert max_difference(_block_colours(picture), np.array(NAIVE_RGB, np.uint8)) <= 4


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_decode_of_cmyk_with_a_profile_matches_the_press(format_name: str) -> None:
    corners = np.zeros((2, 2, 2, 2, 3))
    corners[..., 0] = 20
    corners[0, 0, 0, 0] = 95, 0, 0
    corners[1, 0, 0, 0] = 60, -35, -40
    corners[0, 1, 0, 0] = 50, 70, 0
    corners[0, 0, 1, 0] = 88, -5, 85
    corners[0, 0, 0, 1] = 8, 0, 0
    image = Image.frombytes("CMYK", (80, 16), _ink_blocks().tobytes())
    options = {"quality": 100} if format_name == "JPEG" else {}
    data = save(image, format_name, icc_profile=files.cmyk_profile(corners), **options)
    lab = [corners[tuple(ink // 255)] for ink in INKS[0]]
    colours = _block_colours(decoded(data))
    assert np.abs(colours[1:] - files.lab_to_srgb(np.array(lab))[1:]).max() <= 4
    assert colours[0].tolist() == [255, 255, 255]  # paper is white


def test_decode_of_lab_tiff_gives_its_colours() -> None:
    lab = np.array([[[50 * 2.55, 0, 0], [60 * 2.55, 60, 40]]])
    samples = lab.astype(np.int16).astype(np.uint8)
    picture = decoded(files.tiff(samples, photometric=8))
    expected = files.lab_to_srgb(np.array([[[50, 0, 0], [60, 60, 40]]], np.float64))
    assert np.abs(picture.pixels - expected).max() <= 4
