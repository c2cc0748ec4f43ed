from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from studio.errors import UserInputError
from studio.imaging.decode import decode
from studio.imaging.picture import Picture
from studio.params import ImageFormat
from tests.metrics import max_difference, psnr_db
from tests.pictures import encoded, encoded_mask
from tests.studio.imaging.files import LIMITS, photo

SOFT = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
ALL_FORMATS = pytest.mark.parametrize("format", list(ImageFormat))


def _round_trip(picture: Picture, format: ImageFormat, quality: int = 100) -> Picture:
    return decode(encoded(picture, format, quality), file_name="result", limits=LIMITS)


@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.WEBP])
def test_encode_keeps_colours_and_alpha_exactly(format: ImageFormat) -> None:
    back = _round_trip(Picture(photo(), SOFT), format)
    assert back.alpha is not None
    assert max_difference(back.alpha, SOFT) == 0
    assert max_difference(back.pixels, photo()) == 0


def test_encode_of_lossy_webp_keeps_alpha_exactly_and_colours_nearly() -> None:
    back = _round_trip(Picture(photo(), SOFT), ImageFormat.WEBP, quality=90)
    assert back.alpha is not None
    assert max_difference(back.alpha, SOFT) == 0
    assert psnr_db(back.pixels, photo()) > 35


def test_encode_of_jpeg_shows_transparency_on_white() -> None:
    half = np.full((16, 16), 128, np.uint8)
    back = _round_trip(Picture(np.zeros((16, 16, 3), np.uint8), half), ImageFormat.JPEG)
    assert back.alpha is None
    assert max_difference(back.pixels, np.full((16, 16, 3), 127, np.uint8)) <= 1


def _chroma_factor(data: bytes) -> int:
    """Horizontal sampling of luma relative to chroma: 1 for 4:4:4, 2 for 4:2:0."""
    return data[data.index(b"\xff\xc0") + 11] >> 4


def test_encode_of_jpeg_keeps_full_colour_resolution_at_high_quality_only() -> None:
    def factor(quality: int) -> int:
        return _chroma_factor(encoded(Picture(photo()), ImageFormat.JPEG, quality))

    assert [factor(quality) for quality in (100, 90, 89, 1)] == [1, 1, 2, 2]


@pytest.mark.parametrize("format", [ImageFormat.JPEG, ImageFormat.WEBP])
def test_encode_makes_smaller_files_at_lower_quality(format: ImageFormat) -> None:
    picture = Picture(photo(200, 300))
    sizes = [len(encoded(picture, format, q)) for q in (95, 50, 10)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


@ALL_FORMATS
def test_encode_writes_an_srgb_profile_and_no_exif(format: ImageFormat) -> None:
    data = encoded(Picture(photo()), format)
    with Image.open(BytesIO(data)) as image:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert not image.getexif()


@ALL_FORMATS
def test_encode_drops_what_the_camera_wrote(format: ImageFormat) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = BytesIO()
    Image.fromarray(photo()).save(buffer, "JPEG", exif=exif, comment=b"SecretCamera")
    picture = decode(buffer.getvalue(), file_name="x", limits=LIMITS)
    assert b"SecretCamera" not in encoded(picture, format)


ENCODE_AND_HASH = """
import hashlib, io, numpy, sys
from studio.imaging.encode import encode
from studio.imaging.picture import Picture
pixels = numpy.arange(16 * 16 * 3, dtype=numpy.uint8).reshape(16, 16, 3)
file = io.BytesIO()
encode(Picture(pixels), file, format=sys.argv[1], quality=90, provenance=None)
print(hashlib.sha256(file.getvalue()).hexdigest())
"""


@ALL_FORMATS
def test_encode_gives_the_same_bytes_in_another_process(format: ImageFormat) -> None:
    pixels = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    here = sha256(encoded(Picture(pixels), format)).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", ENCODE_AND_HASH, format], capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here


@pytest.mark.parametrize(
    ("format", "side_px"), [(ImageFormat.WEBP, 16_384), (ImageFormat.JPEG, 65_501)]
)
def test_encode_of_more_columns_than_the_format_holds_is_refused(
    format: ImageFormat, side_px: int
) -> None:
    picture = Picture(np.zeros((1, side_px, 3), np.uint8))
    with pytest.raises(UserInputError, match="Choose PNG") as caught:
        encoded(picture, format)
    assert caught.value.code == "format.too_small"


@pytest.mark.slow
def test_encode_of_a_large_detailed_picture_as_webp_works() -> None:
    """25 megapixels of grain overflow the block modes of the quicker methods."""
    grain = np.random.default_rng(0).normal(128, 25, (5000, 5000)).clip(0, 255).astype(np.uint8)
    picture = Picture(np.repeat(grain[..., np.newaxis], 3, axis=2))

    data = encoded(picture, ImageFormat.WEBP)

    with Image.open(BytesIO(data)) as image:
        assert image.size == (5000, 5000)


def test_encode_of_the_most_columns_webp_holds_works() -> None:
    picture = Picture(np.zeros((1, 16_383, 3), np.uint8))
    assert _round_trip(picture, ImageFormat.WEBP).width == 16_383


def test_encode_mask_keeps_every_level_in_one_channel_without_profile() -> None:
    data = encoded_mask(SOFT)
    with Image.open(BytesIO(data)) as image:
        assert image.mode == "L"
        assert "icc_profile" not in image.info
        assert max_difference(np.asarray(image), SOFT) == 0
