from __future__ import annotations

from contextlib import suppress
from struct import pack
from zlib import compress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.errors import UserInputError
from studio.imaging import parts, sniff
from studio.imaging.decode import Limits, decode, inspect
from tests.studio.imaging.files import LIMITS, decoded, photo, png_chunk, save
from tests.words import said

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EVERY_KIND = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF")


def progressive(side_px: int, scans: int) -> bytes:
    """A JPEG whose last scan comes again until there are so many."""
    data = save(np.resize(photo(), (side_px, side_px)), "JPEG", progressive=True)
    last, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
    missing = scans - data.count(b"\xff\xda")
    return data[:end] + data[last:end] * missing + data[end:]


def with_in_jpeg_header(inserted: bytes) -> bytes:
    data = save(photo(), "JPEG")
    return data[:2] + inserted + data[2:]


def with_png_chunks(count: int) -> bytes:
    data = save(photo(), "PNG")
    return data[:33] + png_chunk(b"tEXt", b"k\0v") * count + data[33:]


def gif_of_small_blocks(count: int) -> bytes:
    data = save(Image.fromarray(photo()).quantize(), "GIF")
    return data[:-1] + b"\x21\xfe" + b"\x01x" * count + b"\0" + data[-1:]


def heif_of_empty_boxes(count: int) -> bytes:
    data = save(photo(), "HEIF")
    return data + b"\0\0\0\x08free" * count


def webp_of_empty_chunks(count: int) -> bytes:
    data = save(photo(), "WEBP")
    body = data[8:] + b"abcd\0\0\0\0" * count
    return b"RIFF" + pack("<I", len(body)) + body


def bmp_of_runs(size_bytes: int) -> bytes:
    header = pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, 0, 0, 0, 256, 256)
    runs = b"\1\0" * (size_bytes // 2)
    return b"BM" + pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + bytes(1024) + runs


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (progressive(64, parts.MAX_SCANS + 1), "more than 64 scans"),
        (with_in_jpeg_header(b"\xff\xfe\0\3x" * 20_000), "parts"),
        (with_in_jpeg_header(b"\xff" * 1_000_000), "filler bytes"),
        (with_in_jpeg_header(b"\xff\xfe\0\2" + b"\0" * 1_000_000), "filler bytes"),
        (with_png_chunks(100_000), "parts"),
        (gif_of_small_blocks(100_000), "parts"),
        (heif_of_empty_boxes(100_000), "parts"),
        (webp_of_empty_chunks(100_000), "parts"),
        (bmp_of_runs(parts.MAX_RUN_LENGTH_BYTES + 1_000_000), "run lengths"),
    ],
    ids=["scans", "comments", "fill", "garbage", "chunks", "blocks", "boxes", "riff", "runs"],
)
def test_decode_of_a_file_of_far_too_many_parts_refuses_it(data: bytes, reason: str) -> None:
    for read in (decode, inspect):
        with pytest.raises(UserInputError, match=r"^cat: The file is made of") as caught:
            read(data, file_name="cat", limits=LIMITS)
        assert caught.value.code == "image.too_complex"
        assert reason in str(caught.value.reason)


def test_decode_of_a_large_jpeg_with_many_scans_refuses_it_where_a_small_one_passes() -> None:
    data = progressive(64, 30)
    assert decoded(data).width == 64
    with pytest.raises(UserInputError) as caught:
        decode(data, file_name="cat", limits=Limits(max_bytes=10**7, max_pixels=64 * 64))
    assert caught.value.code == "image.too_complex"
    assert "30 scans" in str(caught.value.reason)


@pytest.mark.parametrize("format_name", _EVERY_KIND)
def test_require_few_parts_takes_what_encoders_write(format_name: str) -> None:
    data = save(np.tile(photo(), (20, 20, 1)), format_name)
    file_type = sniff.sniff(data)
    assert file_type is not None
    parts.require_few_parts(data, file_type, LIMITS.max_pixels)


def test_require_few_parts_takes_a_png_of_small_chunks_as_its_size_grows() -> None:
    rows = compress(bytes(1_000_000) + photo().tobytes(), 0)
    pieces = [rows[at : at + 512] for at in range(0, len(rows), 512)]
    body = b"".join(png_chunk(b"IDAT", piece) for piece in pieces)
    data = save(photo(), "PNG")[:33] + body + png_chunk(b"IEND", b"")
    parts.require_few_parts(data, sniff.PNG, LIMITS.max_pixels)


def test_require_few_parts_takes_a_jpeg_with_metadata_in_two_hundred_segments() -> None:
    segment = b"\xff\xe1\xff\xff" + bytes(65_533)
    parts.require_few_parts(with_in_jpeg_header(segment * 220), sniff.JPEG, LIMITS.max_pixels)


@pytest.mark.parametrize("format_name", ["GIF", "TIFF"])
def test_decode_of_several_pictures_says_so_though_the_second_is_damaged(format_name: str) -> None:
    first, second = (Image.fromarray(255 * np.eye(40, k=k, dtype=np.uint8)) for k in (0, 9))
    data = save(first, format_name, save_all=True, append_images=[second])
    whole = decoded(data)
    assert said(whole.notes) == ["The file holds several pictures; the first was taken."]
    cut = data[:-40] if format_name == "GIF" else data
    picture = decoded(cut)
    assert picture.notes == whole.notes
    assert np.array_equal(picture.pixels, whole.pixels)
    assert inspect(cut, file_name="cat", limits=LIMITS).width_px == 40


@given(st.sampled_from(_EVERY_KIND), st.data())
def test_require_few_parts_of_damaged_bytes_refuses_or_returns(
    format_name: str, draw: st.DataObject
) -> None:
    data = bytearray(_SAMPLES[format_name])
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])
    file_type = sniff.sniff(cut)
    if file_type is not None:
        with suppress(UserInputError):
            parts.require_few_parts(cut, file_type, LIMITS.max_pixels)
        parts.is_several(cut, file_type)


_SAMPLES = {name: save(photo(), name) for name in _EVERY_KIND}
