from __future__ import annotations

import numpy as np
import pytest
from skimage import data as sample

from studio.imaging.blend import composite
from studio.imaging.foreground import estimate_foreground
from studio.imaging.masks import shift_edge
from studio.imaging.picture import Pixels
from tests.metrics import max_difference

SIDE_PX = 256
SUBJECT = (200, 100, 50)
GREEN, NAVY = (20, 220, 40), (10, 10, 80)


def _flat(colour: tuple[int, int, int]) -> Pixels:
    return np.full((SIDE_PX, SIDE_PX, 3), colour, np.uint8)


def _disc(softness_px: float) -> Pixels:
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    distance = np.hypot(x - 128, y - 128)
    return np.rint(np.clip((80 - distance) / softness_px + 0.5, 0, 1) * 255).astype(np.uint8)


def _hair() -> Pixels:
    """A disc with strands thinner than a pixel, so nearly all of them is mixed."""
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    alpha = _disc(3).astype(float)
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    for direction in angle:
        along = (x - 128) * np.cos(direction) + (y - 128) * np.sin(direction)
        across = np.abs((y - 128) * np.cos(direction) - (x - 128) * np.sin(direction))
        strand = 200 * np.clip(1 - across, 0, 1) * ((along > 78) & (along < 115))
        alpha = np.maximum(alpha, strand)
    return np.rint(alpha).astype(np.uint8)


ALPHAS = {"sharp": _disc(3), "soft": _disc(15), "very-soft": _disc(50), "hair": _hair()}


def _soft(alpha: Pixels) -> np.ndarray:
    return (alpha >= 20) & (alpha <= 235)


@pytest.mark.parametrize("alpha", ALPHAS.values(), ids=ALPHAS)
@pytest.mark.parametrize("old", [GREEN, NAVY, (255, 255, 255)], ids=["green", "navy", "white"])
def test_foreground_at_soft_edges_is_the_subjects_own_colour(
    alpha: Pixels, old: tuple[int, int, int]
) -> None:
    taken = composite(_flat(SUBJECT), alpha, _flat(old))
    assert max_difference(taken[_soft(alpha)], _flat(SUBJECT)[_soft(alpha)]) > 60
    estimated = estimate_foreground(taken, alpha)
    assert max_difference(estimated[_soft(alpha)], _flat(SUBJECT)[_soft(alpha)]) <= 6


@pytest.mark.parametrize("new", [(255, 255, 255), (0, 0, 0), (255, 0, 255)])
@pytest.mark.parametrize("alpha", ALPHAS.values(), ids=ALPHAS)
def test_foreground_on_another_background_shows_no_fringe(
    alpha: Pixels, new: tuple[int, int, int]
) -> None:
    taken = composite(_flat(SUBJECT), alpha, _flat(GREEN))
    shown = composite(estimate_foreground(taken, alpha), alpha, _flat(new))
    ideal = composite(_flat(SUBJECT), alpha, _flat(new))
    assert max_difference(shown, ideal) <= 4


def test_foreground_of_a_photo_is_several_times_closer_than_the_mixed_colours() -> None:
    subject = sample.chelsea()[:SIDE_PX, :SIDE_PX]
    scene = sample.astronaut()[:SIDE_PX, :SIDE_PX]
    alpha = ALPHAS["hair"]
    taken = composite(subject, alpha, scene)
    soft = _soft(alpha)
    before = np.abs(taken[soft].astype(int) - subject[soft]).mean()
    after = np.abs(estimate_foreground(taken, alpha)[soft].astype(int) - subject[soft]).mean()
    assert after < before / 2.5


def test_foreground_of_opaque_pixels_is_unchanged() -> None:
    alpha = ALPHAS["soft"]
    taken = composite(sample.astronaut()[:SIDE_PX, :SIDE_PX], alpha, _flat(GREEN))
    estimated = estimate_foreground(taken, alpha)
    assert max_difference(estimated[alpha == 255], taken[alpha == 255]) == 0


def test_foreground_beyond_the_edge_is_ready_for_an_edge_moved_outwards() -> None:
    alpha = ALPHAS["sharp"]
    estimated = estimate_foreground(composite(_flat(SUBJECT), alpha, _flat(GREEN)), alpha)
    wider = shift_edge(alpha, 8)
    visible = estimated[wider > 20]
    assert max_difference(visible, np.broadcast_to(np.uint8(SUBJECT), visible.shape)) <= 6


def test_foreground_of_a_subject_that_is_nowhere_opaque_has_a_colour() -> None:
    glass = np.full((40, 40), 120, np.uint8)
    estimated = estimate_foreground(np.full((40, 40, 3), (70, 90, 110), np.uint8), glass)
    assert max_difference(estimated, np.full((40, 40, 3), (70, 90, 110), np.uint8)) <= 1


@pytest.mark.parametrize("level", [0, 100, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (33, 17)])
def test_foreground_of_any_size_has_that_size(shape: tuple[int, int], level: int) -> None:
    pixels = np.full((*shape, 3), 80, np.uint8)
    estimated = estimate_foreground(pixels, np.full(shape, level, np.uint8))
    assert estimated.shape == pixels.shape
    assert estimated.dtype == np.uint8


def test_foreground_changes_neither_input() -> None:
    alpha = ALPHAS["soft"]
    taken = composite(_flat(SUBJECT), alpha, _flat(GREEN))
    before = taken.copy(), alpha.copy()
    estimate_foreground(taken, alpha)
    assert max_difference(taken, before[0]) == 0
    assert max_difference(alpha, before[1]) == 0
