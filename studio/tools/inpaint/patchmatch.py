"""Patch-based inpainting of large holes, with texture from around them.

Barnes et al., "PatchMatch: a randomized correspondence algorithm for structural image
editing", 2009, by the library pypatchmatch, fills a reduced copy. Its search is random, so it
fills several times and the best filling is kept. That one says roughly what belongs where; the
pixels are copied, from coarse to fine, from where it fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import patchmatch

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.report import Report
from studio.tools.inpaint.copying import copy_patches
from studio.tools.inpaint.diffusion import telea
from studio.tools.inpaint.levels import Level, first_level, halved, open_patches

_LEAST_SOURCES = 64
"""With fewer open patches there is nothing to choose from."""
_LARGE_AREA_PX = 80 * 80
_SMALL_ROUGH_PX, _LARGE_ROUGH_PX = 600, 8192
"""Area of the hole in the copy that is filled roughly, of a small hole and of a large one."""
_SMALL_TRIES: tuple[tuple[int, int], ...] = ((3, 0), (4, 1), (3, 2))
"""Patch radius and how far from the run's seed; larger patches hold larger structures."""
_LARGE_RADIUS_PX = 4
_NARROW_PX = 6.0
"""Radius; of what is narrower, a reduced copy shows less than its edges tell."""
_ROUGH_SHARE = 0.5
"""Of the time."""
_TYPICAL_SIGMA_PX = 1.0
_NEARNESS = 0.01
"""How much patches from nearby are preferred: more, and the edge is smeared into the hole."""
_STRONG_NEARNESS = 0.15
"""Tried on large holes too, as few of their patches touch what is known: without it a face may
be copied into a wall of its brightness."""
_STRONG_HANDICAP = 0.25
"""How much less strange that filling has to be, as it is often streaked."""
_RING_PX = 24
"""What a large filling should resemble: the rim of the hole, at reduced size."""
_COLOUR_BINS = 8
_SMALL_PX = 96
_LEAST_OPEN_RATIO = 0.35
"""Boxes that are smaller and show less came back partly black from the library."""
_MOST_SEARCHED_PX = 32_768
"""Holes that could not be reduced to less, as all that is open is narrow, would take minutes."""


def holds_patches(hole: Pixels) -> bool:
    """Whether the crop has enough source patches, ``_LEAST_SOURCES``, to fill ``hole`` from.

    ``hole`` is ``uint8 (H, W)``, above 0 = in the hole, hidden or spared.
    """
    return int(np.count_nonzero(open_patches(hole))) >= _LEAST_SOURCES


def fill(pixels: Pixels, hole: Pixels, spared: Pixels, seed: int, report: Report) -> Pixels:
    """Inpaint ``hole`` with copies of patches that are open around it.

    Args:
        pixels: the hole's crop, RGB ``uint8 (H, W, 3)``.
        hole: ``uint8 (H, W)``, 255 = to be filled.
        spared: ``uint8 (H, W)``, 255 = visible, and not to be copied from. ``holds_patches`` has to
            be true of ``hole | spared``.
        seed: of both random searches; the same one gives the same bytes.
        report: progress 0 to 1.

    Returns:
        RGB ``uint8 (H, W, 3)``, unchanged outside of ``hole``.

    """
    is_large = np.count_nonzero(hole) > _LARGE_AREA_PX
    levels = _levels(pixels, hole, spared, _LARGE_ROUGH_PX if is_large else _SMALL_ROUGH_PX)
    small = _Small(levels[-1].layers[..., :3].astype(np.uint8), levels[-1].hole, levels[-1].spared)
    roughly = _least_strange if is_large else _typical
    with report.span(0, _ROUGH_SHARE):
        rough = roughly(small, seed, report)
    with report.span(_ROUGH_SHARE, 1):
        filled = copy_patches(levels, rough, seed, report)
    report.progress(1.0)
    return np.where(hole[..., np.newaxis] > 0, filled, pixels)


def _levels(pixels: Pixels, hole: Pixels, spared: Pixels, most_px: int) -> list[Level]:
    """The picture at full size and halved until its hole is small, or narrow."""
    levels = [first_level(pixels, hole, spared)]
    while len(levels[-1].inside) > most_px and _depth_px(levels[-1].hole) > _NARROW_PX:
        half = halved(levels[-1])
        if not len(half.sources):
            break
        levels.append(half)
    return levels


def _depth_px(hole: Pixels) -> float:
    """Radius of the largest disc in the hole."""
    return float(cv2.distanceTransform(hole, cv2.DIST_L2, 5).max())


@dataclass(frozen=True, slots=True, eq=False)
class _Small:
    """The reduced copy: RGB ``(H, W, 3)``, and as ``(H, W)`` its hole and what is spared."""

    pixels: Pixels
    hole: Pixels
    spared: Pixels


def _typical(small: _Small, seed: int, report: Report) -> Pixels:
    """Of several fillings the one nearest to their mean."""
    fillings = []
    for number, (radius_px, offset) in enumerate(_SMALL_TRIES):
        report.progress(number / len(_SMALL_TRIES))
        fillings.append(_solve(small, radius_px, seed + offset, _NEARNESS))
    inside = small.hole > 0
    soft = [
        cv2.GaussianBlur(filling.astype(np.float32), (0, 0), _TYPICAL_SIGMA_PX)[inside]
        for filling in fillings
    ]
    mean = np.mean(soft, axis=0)
    distances = [float(np.square(one - mean).mean()) for one in soft]
    return fillings[int(np.argmin(distances))]


def _least_strange(small: _Small, seed: int, report: Report) -> Pixels:
    """Of two fillings the one that is more like the rim of the hole."""
    report.progress(0.0)
    usual = _solve(small, _LARGE_RADIUS_PX, seed, _NEARNESS)
    report.progress(0.4)
    near = _solve(small, _LARGE_RADIUS_PX, seed, _STRONG_NEARNESS)
    gain = _strangeness(usual, small) - _strangeness(near, small)
    return near if gain > _STRONG_HANDICAP else usual


def _strangeness(filling: Pixels, small: _Small) -> float:
    """How far colours and roughness of a filling are from those round it; 0 is the same."""
    hole = small.hole
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RING_PX + 1,) * 2)
    closed = hole | small.spared
    ring = np.where(closed > 0, np.uint8(0), cv2.dilate(hole, reach)).astype(np.uint8)
    if not ring.any():
        return 0.0
    lab = cv2.cvtColor(filling, cv2.COLOR_RGB2LAB)
    bins, ranges = [_COLOUR_BINS] * 3, [0, 256] * 3
    counts = [cv2.calcHist([lab], [0, 1, 2], mask, bins, ranges) for mask in (hole, ring)]
    inside, around = (count / count.sum() for count in counts)
    shared = float(np.minimum(inside, around).sum())
    rough = np.abs(cv2.Laplacian(lab[..., 0], cv2.CV_32F))
    ratio = (rough[hole > 0].mean() + 1) / (rough[ring > 0].mean() + 1)
    return 1 - shared + abs(float(np.log2(ratio)))


def _solve(small: _Small, radius_px: int, seed: int, nearness: float) -> Pixels:
    """One search at full size, with patches of ``radius_px``."""
    hole = small.hole
    is_small = min(hole.shape) < _SMALL_PX and np.mean(hole == 0) < _LEAST_OPEN_RATIO
    if is_small or np.count_nonzero(hole) > _MOST_SEARCHED_PX:
        # Smooth, and so only a guess at colours: what is copied comes from where these are.
        return telea(small.pixels, hole)
    # A patch may not be larger than the picture it is looked for in.
    radius_px = max(1, min(radius_px, (min(hole.shape) - 1) // 2))
    patchmatch.set_random_seed(seed)
    filled = patchmatch.inpaint_regularity(
        small.pixels,
        hole,
        _places(hole),
        global_mask=small.spared if small.spared.any() else None,
        patch_size=radius_px,
        guide_weight=nearness,
    )
    return np.asarray(filled, dtype=np.uint8)


def _places(hole: Pixels) -> Floats:
    """Where each pixel lies, ``float32 (H, W, 3)``: rows and columns over the longer side."""
    height, width = hole.shape
    places = np.zeros((height, width, 3), np.float32)
    places[..., 0] = np.arange(height, dtype=np.float32)[:, np.newaxis] / max(height, width)
    places[..., 1] = np.arange(width, dtype=np.float32) / max(height, width)
    return places
