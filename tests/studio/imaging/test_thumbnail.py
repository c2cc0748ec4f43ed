from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from studio.imaging.picture import Picture, Pixels
from studio.imaging.thumbnail import shrink, thumbnail
from tests.metrics import max_difference
from tests.studio.imaging.files import photo


def _open(data: bytes) -> Pixels:
    with Image.open(BytesIO(data)) as image:
        assert image.format == "JPEG"
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    ("shape", "side_px", "expected"),
    [
        ((600, 900), 256, (171, 256)),
        ((900, 600), 256, (256, 171)),
        ((40, 30), 256, (40, 30)),
        ((1, 3000), 256, (1, 256)),
        ((600, 900), 90, (60, 90)),
    ],
)
def test_thumbnail_fits_the_side_and_never_enlarges(
    shape: tuple[int, int], side_px: int, expected: tuple[int, int]
) -> None:
    assert _open(thumbnail(Picture(photo(*shape)), side_px)).shape[:2] == expected


def test_thumbnail_shows_transparency_as_a_light_checkerboard() -> None:
    clear = np.zeros((64, 64), np.uint8)
    shown = _open(thumbnail(Picture(np.zeros((64, 64, 3), np.uint8), clear)))
    squares = shown[4::8, 4::8, 0].astype(int)
    assert set(squares.ravel()) <= {*range(229, 236), *range(252, 256)}
    assert (np.abs(np.diff(squares, axis=0)) > 15).all()
    assert (np.abs(np.diff(squares, axis=1)) > 15).all()


def test_shrink_does_not_let_invisible_colours_bleed_into_the_edge() -> None:
    pixels = np.full((400, 400, 3), (0, 255, 0), np.uint8)
    pixels[:, :203] = 200, 100, 50
    alpha = np.zeros((400, 400), np.uint8)
    alpha[:, :203] = 255
    small = shrink(Picture(pixels, alpha), 100)
    assert small.alpha is not None
    visible = small.pixels[small.alpha > 8]
    assert (
        max_difference(visible, np.broadcast_to((200, 100, 50), visible.shape).astype(np.uint8))
        <= 12
    )
    assert ((small.alpha > 0) & (small.alpha < 255)).any()
