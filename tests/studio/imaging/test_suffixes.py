from __future__ import annotations

import pytest

from studio.imaging.sniff import AVIF, BMP, GIF, HEIF, JPEG, PNG, TIFF, WEBP, FileType
from studio.imaging.suffixes import named_by_kind, suffix_of


@pytest.mark.parametrize(
    ("file_name", "media_type", "expected"),
    [
        ("cat.png", "image/png", "cat.png"),
        ("cat.JPEG", "image/jpeg", "cat.JPEG"),
        ("cat.png", "image/jpeg", "cat.jpg"),
        ("cat.jpg", "image/webp", "cat.webp"),
        ("cat", "image/heic", "cat.heic"),
        ("cat.v2", "image/png", "cat.v2.png"),
        ("cat.html", "image/gif", "cat.html.gif"),
        ("cat.exe.PNG", "image/tiff", "cat.exe.tif"),
        (".png", "image/jpeg", ".png.jpg"),
        ("mask.png", "application/json", "mask.json"),
    ],
)
def test_named_by_kind_gives_a_suffix_that_fits_the_bytes(
    file_name: str, media_type: str, expected: str
) -> None:
    assert named_by_kind(file_name, media_type) == expected


@pytest.mark.parametrize("kind", [AVIF, BMP, GIF, HEIF, JPEG, PNG, TIFF, WEBP])
def test_suffix_of_every_kind_that_is_read_is_known(kind: FileType) -> None:
    assert suffix_of(kind.media_type).startswith(".")
