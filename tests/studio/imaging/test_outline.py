from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.imaging.outline import outline_alpha
from studio.imaging.picture import Pixels


def disc(radius_px: int = 30) -> Pixels:
    alpha = np.zeros((160, 200), np.uint8)
    cv2.circle(alpha, (100, 80), radius_px, 255, -1)
    return alpha


@pytest.mark.parametrize("width_px", [0.5, 1, 4, 12.5, 40])
def test_outline_has_its_width_in_every_direction(width_px: float) -> None:
    cover = outline_alpha(disc(), width_px).astype(float) / 255

    radius_px = np.sqrt(cover.sum() / np.pi)
    assert radius_px == pytest.approx(30.3 + width_px, abs=0.6)
    across = [cover[80, 100:].sum(), cover[80, :101].sum(), cover[80:, 100].sum()]
    assert np.ptp(across) <= 0.6


def test_outline_lies_under_the_whole_body() -> None:
    alpha = disc()
    assert np.all(outline_alpha(alpha, 3)[alpha == 255] == 255)


def test_outline_of_a_cut_subject_has_no_line_along_the_border() -> None:
    alpha = np.zeros((50, 80), np.uint8)
    alpha[20:, :] = 255
    cover = outline_alpha(alpha, 5)
    assert np.all(cover[15:] == 255)
    assert not cover[:14].any()


def test_outline_of_mere_haze_is_none() -> None:
    assert not outline_alpha(np.full((20, 20), 90, np.uint8), 5).any()
