from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from studio.tools.cartoon.filters import Floats
from studio.tools.cartoon.paper import Textures

TEXTURES: list[Callable[[Textures], Floats]] = [
    lambda source: source.clouds(40, 1),
    lambda source: source.clouds(2, 1),
    lambda source: source.grain(1),
    lambda source: source.hatching(48, 27, 1),
]


@pytest.mark.parametrize("make", TEXTURES)
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (200, 130)])
def test_texture_fills_the_picture_with_noise_of_unit_deviation(
    make: Callable[[Textures], Floats], shape: tuple[int, int]
) -> None:
    texture = make(Textures(shape, 1.0, 5))
    assert texture.shape == shape
    assert texture.dtype == np.float32
    assert texture.mean() == pytest.approx(0, abs=0.01)
    if min(shape) > 1:
        assert texture.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("make", TEXTURES)
def test_texture_is_settled_by_its_seed(make: Callable[[Textures], Floats]) -> None:
    first, again, other = (make(Textures((60, 90), 1.0, seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_clouds_grow_with_the_picture() -> None:
    """Half way to the next cloud the noise is still alike, in a picture of any size."""
    for scale in (0.5, 2.0):
        clouds = Textures((400, 400), scale, 5).clouds(8, 1)
        step = int(8 * scale)
        alike = np.corrcoef(clouds[:, :-step].ravel(), clouds[:, step:].ravel())[0, 1]
        assert 0.6 < alike < 0.95
