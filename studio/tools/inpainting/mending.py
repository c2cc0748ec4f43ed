"""Mending scratches: three ways of filling, each trusted as far as it does well nearby.

Frequencies continue what is regular, a smooth surface what is soft, patches what is rough.
Their errors differ, so a weighted mean is nearer to the truth than any of them; the weights
come from a rehearsal on copies of the scratch laid beside it, where the truth is known.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.tools.inpainting.diffusion import biharmonic
from studio.tools.inpainting.frequency import extrapolate
from studio.tools.inpainting.patchmatch import LEAST_SIDE_PX, solve

_USUAL = np.array((0.5, 0.35, 0.15), np.float32)
"""Weights of frequencies, surface and patches before any rehearsal: what does well on the
scratches of docs/quality.md taken together."""
_REHEARSAL_TRUST = 0.5
"""The rest stays with the usual weights, as a rehearsal sees few pixels."""
_ASIDE_PX = ((7, 9), (10, -8))
"""Down and right: where the copies are laid."""
_GAP_PX = 5
_PATCH_RADIUS_PX = 5
_LEAST_REHEARSED_PX = 200
_SUM_PENALTY = 1e3


def mend(pixels: Pixels, hole: Pixels, seed: int) -> Pixels:
    """Fill thin holes.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``, open somewhere.
        hole: ``uint8 (H, W)``, 255 = to be filled.
        seed: of the search for patches.

    Returns:
        RGB ``uint8 (H, W, 3)``, unchanged outside of ``hole``.

    """
    fillings = _fillings(pixels, hole, seed)
    weights = _rehearse(pixels, hole, seed)[: len(fillings)]
    weights = weights / weights.sum()
    mixed = sum(
        weight * filling.astype(np.float32)
        for weight, filling in zip(weights, fillings, strict=True)
    )
    return np.where(hole[..., np.newaxis] > 0, np.rint(mixed).astype(np.uint8), pixels)


def _fillings(pixels: Pixels, hole: Pixels, seed: int) -> list[Pixels]:
    """By frequencies and surface; by patches too, where there is room for any."""
    found = [extrapolate(pixels, hole), biharmonic(pixels, hole)]
    if min(hole.shape) >= LEAST_SIDE_PX:
        found.append(solve(pixels, hole, hole, _PATCH_RADIUS_PX, seed))
    return found


def _rehearse(pixels: Pixels, hole: Pixels, seed: int) -> npt.NDArray[np.float32]:
    """Weights by how each way fills copies of ``hole`` beside it."""
    stage = _copies(hole)
    if np.count_nonzero(stage) < _LEAST_REHEARSED_PX or min(hole.shape) < LEAST_SIDE_PX:
        return _USUAL
    inside = stage > 0
    fillings = _fillings(pixels, np.maximum(hole, stage), seed)
    attempts = np.stack([filling[inside].ravel() for filling in fillings], axis=1)
    best = _best_weights(attempts.astype(np.float64), pixels[inside].ravel().astype(np.float64))
    return np.asarray(_USUAL + _REHEARSAL_TRUST * (best - _USUAL), dtype=np.float32)


def _copies(hole: Pixels) -> Pixels:
    """The hole moved aside, where it does not meet itself."""
    height, width = hole.shape
    copies = np.zeros_like(hole)
    for down, right in _ASIDE_PX:
        move = np.array([[1, 0, right], [0, 1, down]], np.float32)
        moved = cv2.warpAffine(hole, move, (width, height), flags=cv2.INTER_NEAREST)
        copies = np.maximum(copies, moved)
    near = cv2.dilate(hole, np.ones((_GAP_PX, _GAP_PX), np.uint8))
    copies[near > 0] = 0
    return copies


def _best_weights(
    attempts: Floats | npt.NDArray[np.float64], truth: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Weights of 0 or more, summing to 1, whose mean of ``attempts`` comes nearest to it."""
    pull = _SUM_PENALTY * np.sqrt(len(truth))
    rows = np.vstack([attempts, np.full((1, attempts.shape[1]), pull)])
    weights, _ = nnls(rows, np.append(truth, pull))
    return np.asarray(weights / weights.sum())
