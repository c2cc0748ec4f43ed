from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studio.imaging.blend import composite, over
from tests.metrics import max_difference


def test_composite_is_exact_for_every_colour_and_alpha() -> None:
    levels = np.arange(256, dtype=np.uint8)
    foreground = np.broadcast_to(levels[:, None, None], (256, 256, 3))
    alpha = np.broadcast_to(levels, (256, 256))
    for level in (0, 1, 77, 128, 255):
        background = np.full(3, level, np.uint8)
        weight = alpha[..., None] / 255
        exact = np.rint(foreground * weight + level * (1 - weight)).astype(np.uint8)
        assert max_difference(composite(foreground, alpha, background), exact) == 0


def test_composite_takes_a_picture_as_background_and_changes_nothing_given() -> None:
    random = np.random.default_rng(1)
    foreground, background = random.integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    alpha = np.zeros((5, 7), np.uint8)
    alpha[:2] = 255
    before = foreground.copy(), background.copy(), alpha.copy()
    result = composite(foreground, alpha, background)
    assert max_difference(result[:2], foreground[:2]) == 0
    assert max_difference(result[2:], background[2:]) == 0
    for array, copy in zip((foreground, background, alpha), before, strict=True):
        assert max_difference(array, copy) == 0


@given(seed=st.integers(0, 2**16))
def test_over_then_background_is_both_layers_one_after_the_other(seed: int) -> None:
    """Merging first and composing later loses at most the rounding of eight bits."""
    chance = np.random.default_rng(seed)
    upper, lower, ground = chance.integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    alpha, under_alpha = chance.integers(0, 256, (2, 4, 5), dtype=np.uint8)

    colours, merged = over(upper, alpha, lower, under_alpha)

    apart = composite(upper, alpha, composite(lower, under_alpha, ground))
    assert np.abs(composite(colours, merged, ground).astype(int) - apart).max() <= 2


def test_over_of_nothing_is_what_lies_beneath() -> None:
    colours, alpha = over(
        np.full((2, 2, 3), 9, np.uint8),
        np.zeros((2, 2), np.uint8),
        np.array([200, 100, 50], np.uint8),
        np.full((2, 2), 77, np.uint8),
    )
    assert np.all(colours == [200, 100, 50])
    assert np.all(alpha == 77)
