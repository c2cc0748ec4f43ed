from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.painting.mask_sources import read_given
from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Pixels
from studio.params import InpaintParams
from studio.tools.inpaint.mask import build_mask
from studio.tools.spec import ToolInputs
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload
from tests.pictures import png

WIDTH_PX, HEIGHT_PX = 60, 40
ROTATED_RIGHT = 6
"""EXIF orientation of a camera held upright: shown turned by a quarter to the right."""


@pytest.fixture
def picture(services: Services) -> StoredFile:
    return store_upload(services, "cat.png", png(1, WIDTH_PX, HEIGHT_PX))


def corner(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> Pixels:
    """White in the top right quarter."""
    mask = np.zeros((height_px, width_px), np.uint8)
    mask[: height_px // 2, width_px // 2 :] = 255
    return mask


def saved(image: Image.Image, suffix: str, **options: object) -> tuple[str, bytes]:
    buffer = BytesIO()
    image.save(buffer, suffix.upper(), **options)
    return f"mask.{suffix}", buffer.getvalue()


def upright_jpeg() -> tuple[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = ROTATED_RIGHT
    sideways = Image.fromarray(corner()).transpose(Image.Transpose.ROTATE_90)
    return saved(sideways, "jpeg", exif=exif, quality=95)


def sixteen_bits() -> tuple[str, bytes]:
    return saved(Image.fromarray(corner().astype(np.uint16) * 257), "png")


def see_through() -> tuple[str, bytes]:
    white = Image.new("RGBA", (WIDTH_PX, HEIGHT_PX), "white")
    white.putalpha(Image.fromarray(corner()))
    return saved(white, "png")


def half_tones() -> tuple[str, bytes]:
    return saved(Image.fromarray(np.where(corner() > 0, np.uint8(140), np.uint8(90))), "png")


def other_size() -> tuple[str, bytes]:
    return saved(Image.fromarray(corner(300, 300)), "webp", lossless=True)


@pytest.mark.parametrize("make", [upright_jpeg, sixteen_bits, see_through, half_tones, other_size])
def test_given_mask_of_any_kind_is_what_the_run_repaints(
    services: Services, picture: StoredFile, make: Callable[[], tuple[str, bytes]]
) -> None:
    given = store_upload(services, *make())
    limits = Limits.from_settings(services.settings)
    pictures = {
        role: [decode(services.blobs.read(file.sha256), file_name=role, limits=limits)]
        for role, file in (("image", picture), ("mask", given))
    }
    repainted = build_mask(ToolInputs(pictures), InpaintParams(grow_px=0, feather_px=0))
    assert np.array_equal(repainted, corner())
    shown = read_given(services, given)
    assert np.array_equal(shown, corner(*shown.shape[::-1]))
