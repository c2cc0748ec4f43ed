"""Files that are sound and odd: each is read right, or refused as what it is."""

from __future__ import annotations

from struct import pack
from zlib import compress

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.errors import UserInputError
from studio.imaging.decode import decode, inspect
from tests.studio.imaging.files import (
    LIMITS,
    decoded,
    grey_profile,
    photo,
    png,
    png_chunk,
    rgb_profile,
    save,
    tiff,
)

_RAMP = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
_BROKEN = "damaged or was cut off"


def refusal(data: bytes) -> UserInputError:
    codes = []
    for read in (decode, inspect):
        with pytest.raises(UserInputError) as caught:
            read(data, file_name="cat", limits=LIMITS)
        codes.append(caught.value.code)
    assert codes[0] == codes[1]
    return caught.value


def rounded(samples: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    return np.rint(samples / 257).astype(np.uint8)


# --- grey with an alpha


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_decode_of_grey_with_an_alpha_converts_its_profile_as_that_of_grey(gamma: float) -> None:
    profile = grey_profile(gamma)
    plain = decoded(save(_RAMP, "PNG", icc_profile=profile))
    alpha = np.full_like(_RAMP, 200)
    both = decoded(save(np.dstack((_RAMP, alpha)), "PNG", icc_profile=profile))
    assert np.array_equal(both.pixels, plain.pixels)
    assert both.alpha is not None
    assert (both.alpha == 200).all()
    assert both.notes == plain.notes


def test_decode_of_grey_with_a_transparent_level_converts_its_profile() -> None:
    profile = grey_profile(1.8)
    plain = decoded(save(_RAMP, "PNG", icc_profile=profile))
    keyed = decoded(save(_RAMP, "PNG", icc_profile=profile, transparency=7))
    assert np.array_equal(keyed.pixels, plain.pixels)
    assert keyed.alpha is not None
    assert np.array_equal(keyed.alpha == 0, _RAMP == 7)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_decode_of_grey_with_few_bits_hides_the_level_that_is_named(bits: int) -> None:
    per_byte = 8 // bits
    levels = np.arange(2**bits, dtype=np.uint8).repeat(per_byte)
    packed = np.array(
        [sum(int(level) << (8 - bits * (k + 1)) for k, level in enumerate(group))
         for group in levels.reshape(-1, per_byte)],
        dtype=np.uint8,
    )  # fmt: skip
    row = b"\0" + packed.tobytes()
    header = pack(">IIBBBBB", len(levels), 1, bits, 0, 0, 0, 0)
    level = 2**bits - 2
    chunks = [(b"IHDR", header), (b"tRNS", pack(">H", level)), (b"IDAT", compress(row))]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*c) for c in [*chunks, (b"IEND", b"")])
    picture = decoded(data)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha[0] == 0, levels == level)
    assert np.array_equal(picture.pixels[0, :, 0], levels * (255 // (2**bits - 1)))


# --- BMP


def bmp(pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> bytes:
    """With a fourth byte that its header calls alpha."""
    height, width = alpha.shape
    rows = np.dstack((pixels[..., ::-1], alpha))[::-1].tobytes()
    header = pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(rows), 0, 0, 0, 0)
    masks = pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(52)
    return b"BM" + pack("<IHHI", 122 + len(rows), 0, 0, 122) + header + masks + rows


def test_decode_of_a_bmp_whose_fourth_byte_is_zero_everywhere_is_opaque() -> None:
    picture = decoded(bmp(photo(), np.zeros(photo().shape[:2], np.uint8)))
    assert picture.alpha is None
    assert np.array_equal(picture.pixels, photo())


def test_decode_of_a_bmp_with_a_real_alpha_keeps_it() -> None:
    alpha = np.zeros(photo().shape[:2], np.uint8)
    alpha[10:20] = 255
    picture = decoded(bmp(photo(), alpha))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha)


def test_decode_of_a_bmp_of_a_kind_that_is_not_read_says_so() -> None:
    data = bytearray(save(photo(), "BMP"))
    data[30:34] = pack("<I", 5)  # a PNG inside of a BMP
    error = refusal(bytes(data))
    assert error.code == "image.unsupported"
    assert _BROKEN not in str(error)
    assert refusal(bytes(data[:60])).code == "image.truncated"


# --- sixteen bits


@given(st.integers(0, 2**16 - 1))
def test_decode_of_sixteen_bit_colour_rounds_every_sample(first: int) -> None:
    steps = (first + np.arange(4 * 5 * 3, dtype=np.uint32) * 1_093) % 2**16
    samples = steps.astype(np.uint16).reshape(4, 5, 3)
    assert np.array_equal(decoded(png(samples, 2, 16)).pixels, rounded(samples))


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("channels", [3, 4])
def test_decode_of_a_sixteen_bit_tiff_rounds_every_sample(big_endian: bool, channels: int) -> None:
    samples = np.random.default_rng(3).integers(0, 2**16, (9, 7, channels)).astype(np.uint16)
    extra = [(338, 3, [2])] if channels == 4 else []
    picture = decoded(tiff(samples, big_endian=big_endian, extra=extra))
    assert np.array_equal(picture.pixels, rounded(samples[..., :3]))
    if channels == 4:
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, rounded(samples[..., 3]))


def test_decode_of_sixteen_bit_colour_hides_only_the_very_colour_that_is_named() -> None:
    samples = np.full((1, 3, 3), 4_660, np.uint16)
    samples[0, 1] += 1
    picture = decoded(png(samples, 2, 16, extra=[(b"tRNS", pack(">3H", 4_660, 4_660, 4_660))]))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255, 0]]


# --- TIFF


def test_decode_of_a_tiff_whose_zero_is_white_inverts_it() -> None:
    for samples in (_RAMP, _RAMP.astype(np.uint16) * 257):
        picture = decoded(tiff(samples, photometric=0))
        assert np.array_equal(picture.pixels[..., 0], 255 - _RAMP)


def test_decode_of_premultiplied_grey_divides_by_its_alpha() -> None:
    samples = np.dstack((_RAMP // 2, np.full_like(_RAMP, 128)))
    picture = decoded(tiff(samples, photometric=1, extra=[(338, 3, [1])]))
    assert picture.alpha is not None
    assert (picture.alpha == 128).all()
    assert np.abs(picture.pixels[..., 0].astype(int) - _RAMP).max() <= 2


@pytest.mark.parametrize("samples", [np.zeros((8, 8, 5), np.uint8), np.zeros((8, 8, 2), np.uint16)])
def test_decode_of_a_tiff_with_channels_that_are_not_read_says_so(
    samples: npt.NDArray[np.generic],
) -> None:
    photometric = 5 if samples.shape[2] == 5 else 1
    data = tiff(samples, photometric=photometric, extra=[(338, 3, [2])])
    error = refusal(data)
    assert error.code == "image.unsupported"
    assert _BROKEN not in str(error)


@pytest.mark.parametrize("compression", [34_887, 50_001])
def test_decode_of_a_tiff_packed_in_an_odd_way_says_so(compression: int) -> None:
    assert refusal(tiff(photo(), extra=[(259, 3, [compression])])).code == "image.unsupported"


# --- PNG


def test_decode_of_a_png_with_a_profile_of_two_megabytes_takes_it() -> None:
    profile = rgb_profile((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 2.2) + bytes(2_000_000)
    picture = decoded(save(photo(), "PNG", icc_profile=profile))
    assert picture.width == photo().shape[1]


def test_decode_of_a_png_with_an_enormous_profile_names_the_profile() -> None:
    profile = bytes(5_000_000)
    body = b"odd\0\0" + compress(profile)
    error = refusal(png(photo(), 2, 8, extra=[(b"iCCP", body)]))
    assert error.code == "image.bomb"
    assert "colour profile" in str(error)


def test_decode_of_a_png_with_a_gamma_of_its_own_converts_it_and_says_so() -> None:
    linear = decoded(png(_RAMP, 0, 8, extra=[(b"gAMA", pack(">I", 100_000))]))
    assert linear.pixels[0, 55, 0] == 128  # light of 0.2157 is sRGB 128
    assert "gamma" in str(linear.notes[0])
    usual = decoded(png(_RAMP, 0, 8, extra=[(b"gAMA", pack(">I", 45_455))]))
    assert np.array_equal(usual.pixels[..., 0], _RAMP)
    assert usual.notes == ()
    overruled = [(b"sRGB", b"\0"), (b"gAMA", pack(">I", 100_000))]
    assert decoded(png(_RAMP, 0, 8, extra=overruled)).notes == ()


def test_decode_of_a_png_in_another_colour_space_by_number_says_that_it_is_not_read() -> None:
    note = decoded(png(photo(), 2, 8, extra=[(b"cICP", bytes([9, 16, 0, 1]))])).notes[0]
    assert "cICP" in str(note)
    assert decoded(png(photo(), 2, 8, extra=[(b"cICP", bytes([1, 13, 0, 1]))])).notes == ()


# --- masks are numbers


def test_decode_as_numbers_applies_neither_profile_nor_gamma() -> None:
    profiled = save(_RAMP, "PNG", icc_profile=grey_profile(1.0))
    with_gamma = png(_RAMP, 0, 8, extra=[(b"gAMA", pack(">I", 100_000))])
    for data in (profiled, with_gamma):
        mask = decode(data, file_name="mask", limits=LIMITS, as_numbers=True)
        assert np.array_equal(mask.pixels[..., 0], _RAMP)
        assert not np.array_equal(decoded(data).pixels[..., 0], _RAMP)


def test_decode_of_a_palette_picture_is_what_it_was() -> None:
    image = Image.fromarray(photo()).quantize(16)
    assert np.array_equal(decoded(save(image, "PNG")).pixels, np.asarray(image.convert("RGB")))
