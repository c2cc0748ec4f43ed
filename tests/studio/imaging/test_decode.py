from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from struct import pack

import numpy as np
import pytest
from PIL import Image

from studio.errors import UserInputError
from studio.imaging.decode import Limits, decode, inspect
from studio.settings import Settings
from tests.metrics import max_difference
from tests.studio.imaging import files
from tests.studio.imaging.files import LIMITS, decoded, photo, save
from tests.words import said

# Kinds of file


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(save(photo(), "PNG"), 0, id="png"),
        pytest.param(save(photo(), "JPEG", quality=95, subsampling="4:4:4"), 4, id="jpeg"),
        pytest.param(save(photo(), "JPEG", quality=95, progressive=True), 12, id="progressive"),
        pytest.param(save(photo(), "WEBP", lossless=True), 0, id="webp"),
        pytest.param(save(photo(), "TIFF"), 0, id="tiff"),
        pytest.param(save(photo(), "TIFF", compression="tiff_lzw"), 0, id="tiff-lzw"),
        pytest.param(files.tiff(photo(), big_endian=True), 0, id="tiff-big-endian"),
        pytest.param(save(photo(), "BMP"), 0, id="bmp"),
        pytest.param(save(photo(), "AVIF", quality=95), 8, id="avif"),
        pytest.param(save(photo(), "HEIF", quality=95), 10, id="heic"),
    ],
)
def test_decode_of_each_kind_gives_the_colours_that_were_saved(data: bytes, tolerance: int) -> None:
    picture = decoded(data)
    assert picture.pixels.dtype == np.uint8
    assert max_difference(picture.pixels, photo()) <= tolerance
    assert picture.alpha is None
    assert picture.notes == ()


def test_decode_ignores_the_name_and_trusts_the_bytes() -> None:
    picture = decode(save(photo(), "PNG"), file_name="scan.pdf", limits=LIMITS)
    assert max_difference(picture.pixels, photo()) == 0


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_decode_of_several_pictures_takes_the_first_and_says_so(format_name: str) -> None:
    first, second = (np.full((20, 30, 3), level, np.uint8) for level in (200, 40))
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = save(
        first, format_name, save_all=True, append_images=[Image.fromarray(second)], **options
    )
    picture = decoded(data)
    assert max_difference(picture.pixels, first) == 0
    assert said(picture.notes) == ["The file holds several pictures; the first was taken."]


# Alpha


def test_decode_keeps_soft_alpha_apart_and_colours_under_it() -> None:
    alpha = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    picture = decoded(save(np.dstack((photo(), alpha)), "PNG"))
    assert picture.alpha is not None
    assert max_difference(picture.alpha, alpha) == 0
    assert max_difference(picture.pixels, photo()) == 0


def test_decode_of_an_opaque_alpha_channel_has_no_alpha() -> None:
    opaque = np.full((48, 64), 255, np.uint8)
    assert decoded(save(np.dstack((photo(), opaque)), "PNG")).alpha is None


def test_decode_of_a_palette_with_transparency_gives_colours_and_alpha() -> None:
    indices = np.array([[0, 1], [2, 0]], np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0])
    picture = decoded(save(image, "PNG", transparency=bytes([255, 128, 0])))
    assert picture.pixels[0, 1].tolist() == [200, 100, 50]
    assert picture.pixels[0, 0].tolist() == [10, 20, 30]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 128], [0, 255]]


def test_decode_of_grey_with_alpha_gives_equal_channels() -> None:
    samples = np.array([[[10, 255], [200, 7]]], np.uint8)
    picture = decoded(files.png(samples, colour_type=4, bits=8))
    assert picture.pixels.tolist() == [[[10, 10, 10], [200, 200, 200]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 7]]


def test_decode_of_a_transparent_colour_makes_exactly_that_colour_transparent() -> None:
    samples = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8)
    picture = decoded(files.png(samples, 2, 8, extra=[(b"tRNS", pack(">3H", 1, 2, 3))]))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]


def test_decode_of_a_picture_as_grey_as_what_fills_a_cut_jpeg_is_not_taken_for_one() -> None:
    grey = np.full((16, 24, 3), 128, np.uint8)
    assert (decoded(save(grey, "PNG")).pixels == grey).all()


def test_decode_of_premultiplied_tiff_divides_the_alpha_out() -> None:
    samples = np.full((4, 4, 4), (100, 50, 25, 128), np.uint8)
    picture = decoded(files.tiff(samples, extra=[(338, 3, [1])]))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 128
    assert max_difference(picture.pixels[0, 0], np.array([199, 99, 49], np.uint8)) <= 1


# Depth


def test_decode_of_one_bit_gives_black_and_white() -> None:
    bits = np.array([[True, False], [False, True]])
    picture = decoded(save(Image.fromarray(bits), "PNG"))
    assert picture.pixels[..., 0].tolist() == [[255, 0], [0, 255]]


SIXTEEN_BIT_LEVELS = np.array([[0, 128, 257, 32768, 65278, 65535]], np.uint16)
EIGHT_BIT_LEVELS = [[0, 0, 1, 128, 254, 255]]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(files.png(SIXTEEN_BIT_LEVELS, 0, 16), id="png"),
        pytest.param(files.tiff(SIXTEEN_BIT_LEVELS, photometric=1), id="tiff"),
        pytest.param(
            save(Image.fromarray(SIXTEEN_BIT_LEVELS), "TIFF", compression="tiff_lzw"), id="tiff-lzw"
        ),
        pytest.param(files.tiff(SIXTEEN_BIT_LEVELS, photometric=1, big_endian=True), id="tiff-be"),
    ],
)
def test_decode_of_sixteen_bit_grey_rounds_to_the_nearest_level(data: bytes) -> None:
    picture = decoded(data)
    for channel in range(3):
        assert picture.pixels[..., channel].tolist() == EIGHT_BIT_LEVELS
    assert said(picture.notes) == ["16 bits a sample were rounded to 8."]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda wide: files.png(wide, 2, 16), id="png"),
        pytest.param(lambda wide: files.tiff(wide), id="tiff"),
        pytest.param(lambda wide: files.tiff(wide, big_endian=True), id="tiff-be"),
    ],
)
def test_decode_of_sixteen_bit_colour_keeps_colours(
    write: Callable[[np.ndarray], bytes],
) -> None:
    picture = decoded(write(photo().astype(np.uint16) * 257))
    assert max_difference(picture.pixels, photo()) <= 1
    assert said(picture.notes) == ["16 bits a sample were rounded to 8."]


def test_decode_of_sixteen_bit_grey_with_a_transparent_level_keys_it_out() -> None:
    data = files.png(SIXTEEN_BIT_LEVELS, 0, 16, extra=[(b"tRNS", pack(">H", 257))])
    picture = decoded(data)
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 255, 0, 255, 255, 255]]


def test_decode_of_float_samples_is_refused_as_unsupported() -> None:
    data = save(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(UserInputError, match="32-bit") as caught:
        decoded(data)
    assert caught.value.code == "image.unsupported"


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_decode_turns_every_orientation_upright(format_name: str, orientation: int) -> None:
    lying = {
        1: lambda upright: upright,
        2: lambda upright: upright[:, ::-1],
        3: lambda upright: upright[::-1, ::-1],
        4: lambda upright: upright[::-1],
        5: lambda upright: upright.transpose(1, 0, 2),
        6: lambda upright: np.rot90(upright),
        7: lambda upright: np.rot90(upright, 2).transpose(1, 0, 2),
        8: lambda upright: np.rot90(upright, -1),
    }[orientation](photo())
    options = {
        "JPEG": {"quality": 95, "subsampling": "4:4:4"},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 95},
    }.get(format_name, {})
    data = save(
        np.ascontiguousarray(lying), format_name, exif=files.oriented(orientation), **options
    )
    picture = decoded(data)
    assert picture.pixels.shape == photo().shape
    assert np.abs(picture.pixels.astype(int) - photo()).mean() < 3
    info = inspect(data, file_name="cat.jpg", limits=LIMITS)
    assert (info.width_px, info.height_px) == (64, 48)
    with Image.open(BytesIO(info.thumbnail_jpeg)) as small:
        assert small.size == (64, 48)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_decode_of_broken_exif_is_upright_and_not_refused() -> None:
    data = save(photo(), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert max_difference(decoded(data).pixels, photo()) == 0


# Inspect


@pytest.mark.parametrize(
    ("format_name", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("GIF", "image/gif"),
        ("AVIF", "image/avif"),
        ("HEIF", "image/heic"),
    ],
)
def test_inspect_tells_type_size_and_a_small_preview(format_name: str, media_type: str) -> None:
    big = photo(600, 900)
    info = inspect(save(big, format_name), file_name="cat", limits=LIMITS)
    assert (info.media_type, info.width_px, info.height_px) == (media_type, 900, 600)
    with Image.open(BytesIO(info.thumbnail_jpeg)) as small:
        assert (small.format, small.size) == ("JPEG", (256, 171))
        corners = np.asarray(small)[[5, 5, -5, -5], [5, -5, 5, -5]].astype(int)
    expected = big[[5, 5, -5, -5], [5, -5, 5, -5]].astype(int)
    assert np.abs(corners - expected).max() < 30


def test_inspect_of_a_jpeg_that_is_previewed_from_a_fraction_tells_its_full_size() -> None:
    info = inspect(save(photo(1200, 1800), "JPEG"), file_name="cat", limits=LIMITS)
    assert (info.width_px, info.height_px) == (1800, 1200)
    with Image.open(BytesIO(info.thumbnail_jpeg)) as small:
        assert small.size == (256, 171)


def test_inspect_previews_in_srgb() -> None:
    red = np.full((600, 600, 3), (200, 60, 60), np.uint8)
    data = save(red, "JPEG", quality=95, icc_profile=files.rgb_profile(*files.ADOBE_RGB))
    info = inspect(data, file_name="cat", limits=LIMITS)
    with Image.open(BytesIO(info.thumbnail_jpeg)) as small:
        shown = np.asarray(small)[50, 50]
    expected = files.expected_srgb(red[:1, :1], *files.ADOBE_RGB)[0, 0]
    assert np.abs(shown.astype(int) - expected).max() <= 4


def test_limits_come_from_settings() -> None:
    limits = Limits.from_settings(Settings(max_upload_bytes=7, max_pixels=9))
    assert limits == Limits(max_bytes=7, max_pixels=9)
