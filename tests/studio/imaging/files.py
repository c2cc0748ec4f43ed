"""Builds picture files of every kind for tests, profiles included."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from struct import pack
from typing import Any
from zlib import compress, crc32

import numpy as np
import numpy.typing as npt
from PIL import Image

from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Picture

LIMITS = Limits(max_bytes=20_000_000, max_pixels=80_000_000)

ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 2.19921875)
DISPLAY_P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), None)
"""Primaries, and gamma or None for the sRGB curve."""

_D65 = (0.3127, 0.3290)
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def decoded(data: bytes) -> Picture:
    return decode(data, file_name="cat.jpg", limits=LIMITS)


def photo(height_px: int = 48, width_px: int = 64) -> npt.NDArray[np.uint8]:
    """Smooth colours in every corner of the cube: survives lossy codecs, tells orientations."""
    y, x = np.mgrid[0:height_px, 0:width_px]
    red = 255 * x / max(width_px - 1, 1)
    green = 255 * y / max(height_px - 1, 1)
    blue = 127.5 + 127.5 * np.cos(x / width_px * 3 + y / height_px)
    return np.rint(np.stack([red, green, blue], axis=-1)).astype(np.uint8)


def save(image: Image.Image | npt.NDArray[Any], format_name: str, **options: Any) -> bytes:
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    buffer = BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return pack(">I", len(body)) + kind + body + pack(">I", crc32(kind + body))


def png(
    samples: npt.NDArray[Any],
    colour_type: int,
    bits: int,
    extra: Sequence[tuple[bytes, bytes]] = (),
    size: tuple[int, int] | None = None,
) -> bytes:
    """A PNG written by hand, for the kinds Pillow does not write."""
    height, width = samples.shape[:2]
    raw = samples.astype(">u2" if bits == 16 else np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in raw)
    header = pack(">IIBBBBB", *(size or (width, height)), bits, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def tiff(
    samples: npt.NDArray[Any],
    *,
    photometric: int = 2,
    big_endian: bool = False,
    extra: Sequence[tuple[int, int, Sequence[int]]] = (),
) -> bytes:
    """An uncompressed one-strip TIFF written by hand; ``extra`` are (tag, type, values)."""
    order = ">" if big_endian else "<"
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    bits = samples.dtype.itemsize * 8
    strip = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    tags: list[tuple[int, int, Sequence[int]]] = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * channels),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, [8]),
        (277, 3, [channels]),
        (278, 4, [height]),
        (279, 4, [len(strip)]),
        *extra,
    ]
    return _tiff_file(order, strip, sorted({tag[0]: tag for tag in tags}.values()))


def _tiff_file(order: str, strip: bytes, tags: list[tuple[int, int, Sequence[int]]]) -> bytes:
    letters = {1: "B", 3: "H", 4: "I"}
    directory = 8 + len(strip) + len(strip) % 2
    overflow_at = directory + 2 + 12 * len(tags) + 4
    entries, overflow = b"", b""
    for number, kind, values in tags:
        body = pack(f"{order}{len(values)}{letters[kind]}", *values)
        if len(body) > 4:
            field = pack(f"{order}I", overflow_at + len(overflow))
            overflow += body + b"\0" * (len(body) % 2)
        else:
            field = body.ljust(4, b"\0")
        entries += pack(f"{order}HHI", number, kind, len(values)) + field
    magic = b"MM\0*" if order == ">" else b"II*\0"
    padded = strip + b"\0" * (len(strip) % 2)
    return (
        magic
        + pack(f"{order}I", directory)
        + padded
        + pack(f"{order}H", len(tags))
        + entries
        + pack(f"{order}I", 0)
        + overflow
    )


def rgb_profile(
    red: tuple[float, float],
    green: tuple[float, float],
    blue: tuple[float, float],
    gamma: float | None,
    name: str = "Test RGB",
) -> bytes:
    """A matrix ICC profile with a D65 white; gamma None is the sRGB curve."""
    columns = to_d50(red, green, blue).T
    curve = _curve(gamma)
    tags = [
        (b"desc", _description(name)),
        (b"cprt", b"text\0\0\0\0public domain\0"),
        (b"wtpt", _xyz(_D50)),
        *(
            (b"%cXYZ" % letter, _xyz(column))
            for letter, column in zip(b"rgb", columns, strict=True)
        ),
        *((b"%cTRC" % letter, curve) for letter in b"rgb"),
    ]
    return _profile(b"RGB ", b"XYZ ", b"mntr", tags)


def grey_profile(gamma: float) -> bytes:
    tags = [
        (b"desc", _description("Test grey")),
        (b"cprt", b"text\0\0\0\0public domain\0"),
        (b"wtpt", _xyz(_D50)),
        (b"kTRC", _curve(gamma)),
    ]
    return _profile(b"GRAY", b"XYZ ", b"mntr", tags)


def cmyk_profile(corner_lab: npt.NDArray[np.float64]) -> bytes:
    """A printer profile that interpolates between the Lab colours of the 16 ink corners.

    ``corner_lab`` is (2, 2, 2, 2, 3): Lab for no ink and full ink of C, M, Y and K.
    """
    identity = bytes(range(256))
    encoded = np.empty(corner_lab.shape)
    encoded[..., 0] = corner_lab[..., 0] * 2.55
    encoded[..., 1:] = corner_lab[..., 1:] + 128
    table = np.rint(encoded).astype(np.uint8).tobytes()
    matrix = pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + table + identity * 3
    tags = [
        (b"desc", _description("Test press")),
        (b"cprt", b"text\0\0\0\0public domain\0"),
        (b"wtpt", _xyz(_D50)),
        (b"A2B0", lut),
    ]
    return _profile(b"CMYK", b"Lab ", b"prtr", tags)


def to_d50(
    red: tuple[float, float], green: tuple[float, float], blue: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Linear RGB with these primaries and a D65 white, to XYZ relative to D50."""
    primaries = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, blue)]).T
    white = np.array([_D65[0] / _D65[1], 1, (1 - sum(_D65)) / _D65[1]])
    matrix = primaries * np.linalg.solve(primaries, white)
    adapt = np.diag(_BRADFORD @ _D50 / (_BRADFORD @ white))
    return np.asarray(np.linalg.inv(_BRADFORD) @ adapt @ _BRADFORD @ matrix)


def expected_srgb(
    pixels: npt.NDArray[np.uint8],
    red: tuple[float, float],
    green: tuple[float, float],
    blue: tuple[float, float],
    gamma: float | None,
) -> npt.NDArray[np.uint8]:
    """What a colour in that RGB space is in sRGB, clipped; by the formulas, without lcms."""
    encoded = pixels / 255
    linear = _srgb_to_linear(encoded) if gamma is None else encoded**gamma
    srgb = to_d50((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
    converted = linear @ (np.linalg.inv(srgb) @ to_d50(red, green, blue)).T
    return np.rint(linear_to_srgb(np.clip(converted, 0, 1)) * 255).astype(np.uint8)


def linear_to_srgb(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def lab_to_srgb(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lab (D50) to sRGB levels 0 to 255, clipped."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D50
    srgb = to_d50((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
    return linear_to_srgb(np.clip(xyz @ np.linalg.inv(srgb).T, 0, 1)) * 255


def _srgb_to_linear(encoded: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + pack(">IHH", 1, round(gamma * 256), 0)
    table = np.rint(_srgb_to_linear(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + pack(">I", 1024) + table.tobytes()


def _xyz(values: Sequence[float] | npt.NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + pack(">3i", *(round(float(value) * 65536) for value in values))


def _description(name: str) -> bytes:
    text = name.encode() + b"\0"
    return b"desc\0\0\0\0" + pack(">I", len(text)) + text + bytes(78)


def _profile(
    space: bytes, connection: bytes, kind: bytes, tags: list[tuple[bytes, bytes]]
) -> bytes:
    position = 128 + 4 + 12 * len(tags)
    table, bodies = pack(">I", len(tags)), b""
    for name, body in tags:
        padded = body + bytes(-len(body) % 4)
        table += name + pack(">II", position + len(bodies), len(body))
        bodies += padded
    size = position + len(bodies)
    header = pack(">I", size) + b"lcms" + pack(">I", 0x02400000) + kind + space + connection
    header += pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + pack(">I", 1)
    header = header[:64] + pack(">I", 0)
    header += pack(">3i", *(round(value * 65536) for value in _D50))
    return header.ljust(128, b"\0") + table + bodies
