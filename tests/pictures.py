"""Small real pictures, each with its own bytes."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from studio.imaging.encode import encode, encode_mask
from studio.imaging.picture import Picture, Pixels
from studio.imaging.provenance import Provenance
from studio.params import ImageFormat


@lru_cache(maxsize=512)
def png(seed: int = 0, width_px: int = 24, height_px: int = 16) -> bytes:
    """A smooth picture with some noise; another ``seed`` gives other bytes."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(0, 200, width_px * height_px * 3).reshape(height_px, width_px, 3)
    pixels = (ramp + random.integers(0, 55, ramp.shape)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def mirrored(data: bytes) -> bytes:
    """The picture the other way round: the same person, in other bytes."""
    file = BytesIO()
    ImageOps.mirror(Image.open(BytesIO(data))).save(file, "PNG")
    return file.getvalue()


def shrunk(data: bytes, side_px: int) -> bytes:
    """The picture with no side longer than ``side_px``."""
    file = BytesIO()
    image = Image.open(BytesIO(data))
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    image.save(file, "PNG")
    return file.getvalue()


def encoded(
    picture: Picture, format: ImageFormat, quality: int = 90, provenance: Provenance | None = None
) -> bytes:
    """The file that ``encode`` writes."""
    file = BytesIO()
    encode(picture, file, format=format, quality=quality, provenance=provenance)
    return file.getvalue()


def encoded_mask(alpha: Pixels) -> bytes:
    """The file that ``encode_mask`` writes."""
    file = BytesIO()
    encode_mask(alpha, file)
    return file.getvalue()
