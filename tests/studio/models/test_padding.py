from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studio.models.padding import pad


def levels(height: int, width: int, *channels: int) -> np.ndarray[Any, Any]:
    return np.arange(height * width * max(channels, default=1), dtype=np.uint8).reshape(
        height, width, *channels
    )


@pytest.mark.parametrize(
    ("size", "multiple", "least_px", "expected"),
    [
        ((5, 7), 1, 1, (5, 7)),
        ((5, 7), 4, 1, (8, 8)),
        ((5, 7), 4, 9, (12, 12)),
        ((5, 70), 32, 64, (64, 96)),
        ((5, 7), 12, 1, (12, 12)),
        ((1, 1), 8, 1, (8, 8)),
    ],
)
def test_pad_gives_sides_that_the_network_takes(
    size: tuple[int, int], multiple: int, least_px: int, expected: tuple[int, int]
) -> None:
    for given in (levels(*size), levels(*size, 3)):
        padded = pad(given, multiple, least_px=least_px)
        assert padded.shape[:2] == expected
        assert np.array_equal(padded[: size[0], : size[1]], given)


def test_pad_of_what_fits_copies_nothing() -> None:
    given = levels(8, 16, 3)
    assert pad(given, 8) is given


def test_pad_mirrors_unless_white_is_asked_for() -> None:
    given = levels(2, 2, 3)
    assert np.array_equal(pad(given, 4)[2:], pad(given, 4)[1::-1])
    assert (pad(given, 4, border="white")[2:] == 255).all()
