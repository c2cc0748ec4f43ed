from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.imaging import sniff
from tests.studio.imaging import files
from tests.studio.imaging.files import photo, save

KINDS = {
    "JPEG": sniff.JPEG,
    "PNG": sniff.PNG,
    "WEBP": sniff.WEBP,
    "TIFF": sniff.TIFF,
    "BMP": sniff.BMP,
    "GIF": sniff.GIF,
    "AVIF": sniff.AVIF,
    "HEIF": sniff.HEIF,
}


@pytest.mark.parametrize("format_name", KINDS)
def test_sniff_knows_every_kind_by_its_bytes(format_name: str) -> None:
    data = save(photo(), format_name)
    assert sniff.sniff(data) is KINDS[format_name]
    assert sniff.is_complete(data, KINDS[format_name])


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_header_size_is_the_size_saved(format_name: str) -> None:
    assert sniff.header_size(save(photo(), format_name), KINDS[format_name]) == (64, 48)


def test_header_size_reads_every_form_of_webp() -> None:
    with_profile = save(photo(), "WEBP", icc_profile=files.grey_profile(1))
    for data in (save(photo(), "WEBP", lossless=True), with_profile):
        assert sniff.header_size(data, sniff.WEBP) == (64, 48)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "AVIF", "HEIF"])
def test_is_complete_is_false_one_byte_short(format_name: str) -> None:
    assert not sniff.is_complete(save(photo(), format_name)[:-1], KINDS[format_name])


def test_jpeg_bits_is_eight_for_a_photo_and_none_for_a_header_alone() -> None:
    data = save(photo(), "JPEG")
    assert sniff.jpeg_bits(data) == 8
    assert sniff.jpeg_bits(data[:20]) is None


@given(data=st.binary(max_size=200), kind=st.sampled_from(sorted(KINDS)))
def test_sniff_reads_arbitrary_bytes_without_raising(data: bytes, kind: str) -> None:
    sniff.sniff(data)
    sniff.foreign_kind(data)
    sniff.header_size(data, KINDS[kind])
    sniff.jpeg_bits(data)
    assert sniff.is_complete(data, KINDS[kind]) in (True, False)
