"""Other forms of a picture, out of its file: the pixels, and nothing else it says.

No place, no camera, no name goes along; ``write_converted`` keeps our own provenance. Run in
children, as ``studio.imaging.confined`` does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from studio.imaging.blend import composite
from studio.imaging.decode import Limits, decode
from studio.imaging.encode import MAX_SIDE_PX, encode
from studio.imaging.given_mask import mask_levels
from studio.imaging.mask_steps import hardened
from studio.imaging.picture import Pixels
from studio.imaging.provenance import read_provenance
from studio.imaging.thumbnail import shrink, thumbnail
from studio.params import ImageFormat

DISPLAY_SIDE_PX = 1600
"""Longer sides than a page can show are not worth sending."""

_DISPLAY_QUALITY, _FULL_QUALITY = 90, 95
_PAPER = np.full(3, 255, dtype=np.uint8)

Box = tuple[float, float, float, float]


def write_thumbnail(file: Path, file_name: str, limits: Limits, target: Path) -> None:
    """Write a small JPEG to ``target``; alpha is shown over a checkerboard.

    Args:
        file: where the picture lies.
        file_name: named in refusals.
        limits: most bytes and pixels.
        target: overwritten.

    Raises:
        UserInputError: as ``decode`` does.

    """
    picture = decode(file.read_bytes(), file_name=file_name, limits=limits)
    target.write_bytes(thumbnail(picture))


def write_display(file: Path, file_name: str, limits: Limits, target: Path) -> None:
    """Write a WebP of at most ``DISPLAY_SIDE_PX`` a side, with alpha; as ``write_thumbnail``."""
    _write_webp(file, file_name, limits, target, DISPLAY_SIDE_PX, _DISPLAY_QUALITY)


def write_full(file: Path, file_name: str, limits: Limits, target: Path) -> None:
    """Write a WebP of the picture's size, as far as WebP goes, with alpha; as above."""
    side_px = MAX_SIDE_PX[ImageFormat.WEBP]
    _write_webp(file, file_name, limits, target, side_px, _FULL_QUALITY)


def write_opaque(file: Path, file_name: str, limits: Limits, target: Path) -> None:
    """Write the pixels on white, ``uint8 (H, W, 3)``, as ``numpy.save`` does; as above."""
    picture = decode(file.read_bytes(), file_name=file_name, limits=limits)
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = composite(pixels, picture.alpha, _PAPER)
    _save(target, pixels)


def write_mask_levels(file: Path, file_name: str, limits: Limits, target: Path) -> None:
    """Write what the file says as a mask, ``uint8 (H, W)``, as ``numpy.save`` does; as above."""
    _save(target, _levels(file, file_name, limits))


def write_stencil(file: Path, file_name: str, limits: Limits, target: Path) -> None:
    """Write a mask as runs take it, 0 or 255; else as ``write_mask_levels``."""
    _save(target, hardened(_levels(file, file_name, limits)))


def write_converted(
    file: Path, file_name: str, limits: Limits, target: Path, *, format: ImageFormat, quality: int
) -> None:
    """Write a result of the studio in another format, with its provenance; as above.

    Args:
        file: as of ``write_thumbnail``, like all others.
        file_name: named in refusals.
        limits: most bytes and pixels.
        target: overwritten.
        format: of ``target``.
        quality: 1 to 100, as of ``encode``.

    """
    data = file.read_bytes()
    picture = decode(data, file_name=file_name, limits=limits)
    with target.open("wb") as made:
        encode(picture, made, format=format, quality=quality, provenance=read_provenance(data))


def part_of(saved: Path, size: tuple[int, int], box: Box) -> Pixels:
    """A part of saved pixels at another size, by Lanczos interpolation.

    Args:
        saved: what ``write_opaque`` or ``write_mask_levels`` wrote.
        size: width and height of the result.
        box: left, top, right and bottom of the part, in saved pixels.

    """
    pixels = np.load(saved, mmap_mode="r")
    image = Image.fromarray(pixels)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box=box))


def _write_webp(
    file: Path, file_name: str, limits: Limits, target: Path, side_px: int, quality: int
) -> None:
    picture = shrink(decode(file.read_bytes(), file_name=file_name, limits=limits), side_px)
    with target.open("wb") as made:
        encode(picture, made, format=ImageFormat.WEBP, quality=quality, provenance=None)


def _levels(file: Path, file_name: str, limits: Limits) -> Pixels:
    mask = decode(file.read_bytes(), file_name=file_name, limits=limits, as_numbers=True)
    return mask_levels(mask)[0]


def _save(target: Path, pixels: Pixels) -> None:
    with target.open("wb") as saved:
        np.save(saved, pixels)
