from __future__ import annotations

import random
from collections.abc import Callable
from struct import pack
from typing import Any
from zlib import compress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data as sample

from studio.errors import UserInputError
from studio.imaging.decode import ImageInfo, Limits, decode, inspect
from studio.imaging.picture import Picture
from tests.metrics import max_difference
from tests.studio.imaging import files
from tests.studio.imaging.files import LIMITS, decoded, photo, save

# Pillow warns about the oddities of damaged files before it refuses them
pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning"
)

Reader = Callable[..., Picture | ImageInfo]
both_readers = pytest.mark.parametrize("read", [decode, inspect])


def _refusal(data: bytes, read: Reader = decode, limits: Limits = LIMITS) -> UserInputError:
    with pytest.raises(UserInputError) as caught:
        read(data, file_name="cat.jpg", limits=limits)
    refusal = caught.value
    assert str(refusal) == f"cat.jpg: {refusal.reason!s}. {refusal.remedy!s}"
    return refusal


def _outcome(
    data: bytes, read: Reader = decode, limits: Limits = LIMITS
) -> Picture | ImageInfo | str:
    """What came out, or the code of the refusal."""
    try:
        return read(data, file_name="cat.jpg", limits=limits)
    except UserInputError as refusal:
        return refusal.code


# Before decoding


@both_readers
def test_decode_of_nothing_is_refused_as_empty(read: Reader) -> None:
    assert _refusal(b"", read).code == "image.empty"


@both_readers
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(files.png(np.zeros((0, 4, 3), np.uint8), 2, 8), id="png"),
        pytest.param(b"GIF89a" + bytes(30), id="gif"),
        pytest.param(b"BM" + bytes(12) + pack("<Iii", 40, 0, 5) + bytes(60), id="bmp"),
    ],
)
def test_decode_of_a_zero_sized_picture_is_refused_as_empty(read: Reader, data: bytes) -> None:
    assert _refusal(data, read).code == "image.empty"


@both_readers
def test_decode_of_too_many_bytes_is_refused_and_says_the_limit(read: Reader) -> None:
    refusal = _refusal(save(photo(), "PNG"), read, Limits(max_bytes=100, max_pixels=10**6))
    assert refusal.code == "image.too_many_bytes"
    limits = Limits(max_bytes=20_000_000, max_pixels=10**6)
    reason = _refusal(bytes(23_500_000), read, limits).reason
    assert "23.5 MB and the limit is 20 MB" in str(reason)


@both_readers
@pytest.mark.parametrize(
    "format_name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF"]
)
def test_decode_of_too_many_pixels_is_refused_for_every_kind(
    read: Reader, format_name: str
) -> None:
    limits = Limits(max_bytes=10**6, max_pixels=48 * 64 - 1)
    refusal = _refusal(save(photo(), format_name), read, limits)
    assert refusal.code == "image.too_many_pixels"
    assert "64 × 48" in str(refusal.reason)


@both_readers
@pytest.mark.parametrize(
    "format_name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF"]
)
def test_decode_of_a_file_at_the_very_limits_is_no_refusal(read: Reader, format_name: str) -> None:
    data = save(photo(), format_name)
    limits = Limits(max_bytes=len(data), max_pixels=48 * 64)
    assert not isinstance(_outcome(data, read, limits), str)
    over = _outcome(data, read, Limits(max_bytes=len(data) - 1, max_pixels=48 * 64))
    assert over == "image.too_many_bytes"


@both_readers
def test_decode_of_a_small_file_that_unpacks_huge_is_refused_before_decoding(
    read: Reader,
) -> None:
    data = files.png(np.zeros((1, 1, 3), np.uint8), 2, 8, size=(60_000, 60_000))
    assert _refusal(data, read).code == "image.too_many_pixels"


@both_readers
def test_decode_of_a_tiff_over_pillows_own_guard_is_refused_as_a_bomb(read: Reader) -> None:
    small = np.zeros((2, 2, 3), np.uint8)
    data = files.tiff(small, extra=[(256, 4, [60_000]), (257, 4, [60_000])])
    assert _refusal(data, read).code == "image.bomb"


@both_readers
def test_decode_of_text_that_unpacks_huge_is_refused_as_a_bomb(read: Reader) -> None:
    bomb = b"Comment\0\0" + compress(bytes(100_000_000))
    data = files.png(photo(), 2, 8, extra=[(b"zTXt", bomb)])
    assert _refusal(data, read).code == "image.bomb"


@both_readers
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"8BPS\0\1" + bytes(20), "a Photoshop document"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"\xef\xbb\xbf<svg/>", "an SVG drawing"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera raw file"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "a camera raw file"),
        (files.tiff(photo(), extra=[(254, 4, [1])]), "a camera raw file"),
        (files.tiff(photo(), extra=[(50706, 1, [1, 4, 0, 0])]), "a camera raw file"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive"),
    ],
)
def test_decode_of_another_kind_is_refused_by_its_name(
    read: Reader, data: bytes, kind: str
) -> None:
    refusal = _refusal(data, read)
    assert refusal.code == "image.unsupported"
    assert kind in str(refusal.reason)


@both_readers
def test_decode_of_a_twelve_bit_jpeg_is_refused_as_unsupported(read: Reader) -> None:
    data = bytearray(save(photo(), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    assert _refusal(bytes(data), read).code == "image.unsupported"


@both_readers
@pytest.mark.parametrize("data", [b"hello", bytes(1000), b"<html><body></body></html>"])
def test_decode_of_anything_else_is_refused_as_no_image(read: Reader, data: bytes) -> None:
    assert _refusal(data, read).code == "image.not_an_image"


def _grain() -> np.ndarray:
    """A picture that does not compress, so that most of a file is pixel data."""
    noise = np.random.default_rng(7).integers(-25, 25, (48, 64, 3))
    return np.clip(photo().astype(int) + noise, 0, 255).astype(np.uint8)


WHOLE_FILES = {
    "jpeg": save(_grain(), "JPEG"),
    "jpeg-progressive": save(_grain(), "JPEG", progressive=True),
    "png": save(_grain(), "PNG"),
    "webp": save(_grain(), "WEBP"),
    "webp-lossless": save(_grain(), "WEBP", lossless=True),
    "tiff": save(_grain(), "TIFF"),
    "tiff-lzw": save(_grain(), "TIFF", compression="tiff_lzw"),
    "bmp": save(_grain(), "BMP"),
    "gif": save(Image.fromarray(_grain()).quantize(64), "GIF"),
    "avif": save(_grain(), "AVIF"),
    "heic": save(_grain(), "HEIF"),
}
STRICT_KINDS = sorted(WHOLE_FILES.keys() - {"gif"})


@both_readers
@pytest.mark.parametrize("kind", STRICT_KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_decode_of_a_file_cut_anywhere_is_refused(
    read: Reader, kind: str, data: st.DataObject
) -> None:
    whole = WHOLE_FILES[kind]
    length = data.draw(st.integers(32, len(whole) - 1))
    assert _refusal(whole[:length], read).code == "image.truncated"


@settings(max_examples=60, deadline=None)
@given(length=st.integers(32, len(WHOLE_FILES["gif"]) - 1))
def test_decode_of_a_cut_gif_is_refused_or_whole(length: int) -> None:
    # the last bytes of a GIF carry no pixels, and Pillow does not ask for them
    outcome = _outcome(WHOLE_FILES["gif"][:length])
    if isinstance(outcome, Picture):
        assert max_difference(outcome.pixels, decoded(WHOLE_FILES["gif"]).pixels) == 0
    else:
        assert outcome == "image.truncated"


@pytest.mark.parametrize("kind", ["jpeg", "jpeg-progressive", "png"])
def test_decode_of_a_file_whose_end_was_never_written_is_refused(kind: str) -> None:
    whole = WHOLE_FILES[kind]
    kept = len(whole) * 2 // 3
    padded = whole[:kept] + bytes(len(whole) - kept)
    assert _refusal(padded).code == "image.truncated"


JPEG_KINDS = {
    "plain": {},
    "full-colour": {"quality": 95, "subsampling": "4:4:4"},
    "restarts": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
}


@both_readers
@pytest.mark.parametrize("kept_ratio", [0.4, 0.7, 0.95])
@pytest.mark.parametrize("options", JPEG_KINDS.values(), ids=JPEG_KINDS)
def test_decode_of_a_jpeg_cut_and_closed_again_is_refused(
    read: Reader, options: dict[str, Any], kept_ratio: float
) -> None:
    whole = save(sample.astronaut(), "JPEG", **options)
    closed = whole[: int(len(whole) * kept_ratio)] + b"\xff\xd9"
    assert _refusal(closed, read).code == "image.truncated"


@both_readers
@pytest.mark.parametrize("options", JPEG_KINDS.values(), ids=JPEG_KINDS)
def test_decode_of_a_whole_jpeg_that_ends_in_grey_is_no_cut_one(
    read: Reader, options: dict[str, Any]
) -> None:
    card = sample.astronaut().copy()
    card[-200:] = 128
    for pixels in (card, np.full((300, 200, 3), 128, np.uint8), np.full((9, 9), 128, np.uint8)):
        read(save(pixels, "JPEG", **options) + b"trailing", file_name="cat.jpg", limits=LIMITS)


# Whatever comes in


@both_readers
@pytest.mark.parametrize("kind", sorted(WHOLE_FILES))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 8), reach=st.sampled_from([64, 300, 10**6]))
def test_decode_of_a_damaged_file_is_a_picture_or_a_refusal(
    read: Reader, kind: str, seed: int, count: int, reach: int
) -> None:
    data = bytearray(WHOLE_FILES[kind])
    dice = random.Random(seed)
    for _ in range(count):
        data[dice.randrange(min(len(data), reach))] = dice.randrange(256)
    outcome = _outcome(bytes(data), read, Limits(max_bytes=10**6, max_pixels=10**6))
    assert isinstance(outcome, Picture | ImageInfo) or outcome.startswith("image.")


MAGICS = (
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0",
    b"GIF89a",
    b"BM",
    b"RIFF\0\0\0\0WEBPVP8X",
)


@settings(max_examples=200, deadline=None)
@given(magic=st.sampled_from((*MAGICS, b"\0\0\0\x18ftypheic")), rest=st.binary(max_size=300))
def test_decode_of_arbitrary_bytes_is_refused(magic: bytes, rest: bytes) -> None:
    refusal = _refusal(magic + rest)
    assert refusal.code.startswith("image.")
