from __future__ import annotations

import numpy as np

from studio.imaging.blend import composite
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
