"""Filling holes with texture from around them.

Barnes et al., "PatchMatch: a randomized correspondence algorithm for structural image
editing", 2009, by the library pypatchmatch. The search is random, so a small hole is filled
several times and the most typical filling is kept; a large one is filled on a reduced copy,
and every patch then fetches its fine detail from where it came from.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import patchmatch
from scipy.spatial import cKDTree

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.report import Report
from studio.tools.inpainting.diffusion import telea

LEAST_SIDE_PX = 16
"""Pictures with a shorter side hold too few patches to choose from."""
_LARGE_AREA_PX = 128 * 128
"""Larger holes are filled on a copy whose hole has about this area."""
_TRIES: tuple[tuple[int, int], ...] = ((5, 0), (7, 1), (5, 2))
"""Patch radius and how far from the run's seed; larger patches hold larger structures."""
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
_WHOLLY = 1 - 1e-4
"""Averaging rounds."""
_PATCH_PX = 5
_PATCH_NUMBERS = 12
"""Principal components a patch is compared by."""


def fill(pixels: Pixels, hole: Pixels, seed: int, report: Report) -> Pixels:
    """Fill ``hole`` with patches of what is open around it.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        hole: ``uint8 (H, W)``, 255 = to be filled.
        seed: of the search.
        report: progress 0 to 1.

    Returns:
        RGB ``uint8 (H, W, 3)``, unchanged outside of ``hole``.

    """
    factor = _reduction(hole)
    if factor == 1:
        filled = _typical(pixels, hole, seed, report)
    else:
        small, small_hole = _reduce(pixels, hole, factor), _reduce_mask(hole, factor)
        rough = _least_strange(small, small_hole, seed, report)
        filled = _refine(pixels, hole, rough, small_hole, factor)
    report.progress(1.0)
    return np.where(hole[..., np.newaxis] > 0, filled, pixels)


def _reduction(hole: Pixels) -> int:
    """By which whole number a hole is reduced."""
    area_px = int(np.count_nonzero(hole))
    least_side_px = min(hole.shape)
    factor = 1
    while area_px > _LARGE_AREA_PX * factor**2 and least_side_px > 32 * factor:
        factor += 1
    return factor


def _typical(pixels: Pixels, hole: Pixels, seed: int, report: Report) -> Pixels:
    """Of several fillings the one nearest to their mean."""
    fillings = []
    for number, (radius_px, offset) in enumerate(_TRIES):
        report.progress(number / len(_TRIES))
        fillings.append(_solve(pixels, hole, radius_px, seed + offset, _NEARNESS))
    inside = hole > 0
    soft = [
        cv2.GaussianBlur(filling.astype(np.float32), (0, 0), _TYPICAL_SIGMA_PX)[inside]
        for filling in fillings
    ]
    mean = np.mean(soft, axis=0)
    distances = [float(np.square(one - mean).mean()) for one in soft]
    return fillings[int(np.argmin(distances))]


def _least_strange(pixels: Pixels, hole: Pixels, seed: int, report: Report) -> Pixels:
    """Of two fillings the one that is more like the rim of the hole."""
    radius_px = _TRIES[0][0]
    report.progress(0.0)
    usual = _solve(pixels, hole, radius_px, seed, _NEARNESS)
    report.progress(0.4)
    near = _solve(pixels, hole, radius_px, seed, _STRONG_NEARNESS)
    gain = _strangeness(usual, hole) - _strangeness(near, hole)
    return near if gain > _STRONG_HANDICAP else usual


def _strangeness(filling: Pixels, hole: Pixels) -> float:
    """How far colours and roughness of a filling are from those round it; 0 is the same."""
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RING_PX + 1,) * 2)
    ring = np.where(hole > 0, np.uint8(0), cv2.dilate(hole, reach)).astype(np.uint8)
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


def _solve(pixels: Pixels, hole: Pixels, radius_px: int, seed: int, nearness: float) -> Pixels:
    """One search at full size, with patches of ``radius_px``."""
    is_small = min(hole.shape) < _SMALL_PX and np.mean(hole == 0) < _LEAST_OPEN_RATIO
    if is_small or not _open_patches(hole).any():
        # The library paints black what it finds no patch for.
        return telea(pixels, hole)
    # A patch may not be larger than the picture it is looked for in.
    radius_px = max(1, min(radius_px, (min(hole.shape) - 1) // 2))
    patchmatch.set_random_seed(seed)
    filled = patchmatch.inpaint_regularity(
        pixels,
        hole,
        _places(hole),
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


def _reduce(pixels: Pixels, hole: Pixels, factor: int) -> Pixels:
    """A reduced copy whose open pixels hold nothing of the hole."""
    is_open = (hole == 0).astype(np.float32)
    size = _small_size(hole, factor)
    share = cv2.resize(is_open, size, interpolation=cv2.INTER_AREA)[..., np.newaxis]
    light = cv2.resize(pixels * is_open[..., np.newaxis], size, interpolation=cv2.INTER_AREA)
    levels: Floats = light / np.maximum(share, 1e-6)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _reduce_mask(mask: Pixels, factor: int) -> Pixels:
    """Closed wherever anything of the reduced pixel is; where that is everywhere, wholly."""
    open_share = cv2.resize(
        (mask == 0).astype(np.float32), _small_size(mask, factor), interpolation=cv2.INTER_AREA
    )
    is_open = open_share > _WHOLLY
    if not is_open.any():
        is_open = open_share > 0
    return np.where(is_open, np.uint8(0), np.uint8(255))


def _small_size(mask: Pixels, factor: int) -> tuple[int, int]:
    height, width = mask.shape
    return max(round(width / factor), 1), max(round(height / factor), 1)


def _refine(
    pixels: Pixels,
    hole: Pixels,
    rough: Pixels,
    small_hole: Pixels,
    factor: int,
) -> Pixels:
    """The reduced filling at full size, with the fine detail of the patches it resembles."""
    height, width = hole.shape
    smooth = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    around = _reduce(pixels, hole, factor)
    seen = cv2.resize(around, (width, height), interpolation=cv2.INTER_CUBIC)
    detail = np.where(hole[..., np.newaxis] > 0, 0, pixels.astype(np.float32) - seen)
    source = _nearest_patches(rough, small_hole)
    rows, columns = _follow(source, small_hole, height, width)
    return np.clip(np.rint(smooth + detail[rows, columns]), 0, 255).astype(np.uint8)


def _nearest_patches(rough: Pixels, hole: Pixels) -> npt.NDArray[np.int64]:
    """For each pixel of the hole the flat index of the open pixel whose patch is most alike."""
    patches = _patches(rough)
    is_open = _open_patches(hole).ravel()
    if not is_open.any():
        is_open = hole.ravel() == 0
    candidates = np.flatnonzero(is_open)
    basis = _principal(patches[candidates])
    tree = cKDTree(patches[candidates] @ basis)
    _, nearest = tree.query(patches[hole.ravel() > 0] @ basis)
    return np.asarray(candidates[nearest], dtype=np.int64)


def _open_patches(hole: Pixels) -> npt.NDArray[np.bool_]:
    """Where a whole patch is open round a pixel, ``bool (H, W)``."""
    reach = np.ones((_PATCH_PX, _PATCH_PX), np.uint8)
    closed = cv2.dilate(hole, reach, borderType=cv2.BORDER_CONSTANT, borderValue=255)
    return np.asarray(closed == 0)


def _patches(pixels: Pixels) -> Floats:
    """``float32 (H * W, patch values)``: what is around each pixel."""
    reach = _PATCH_PX // 2
    framed = cv2.copyMakeBorder(pixels, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    windows = np.lib.stride_tricks.sliding_window_view(framed, (_PATCH_PX, _PATCH_PX), (0, 1))
    return windows.reshape(pixels.shape[0] * pixels.shape[1], -1).astype(np.float32)


def _principal(patches: Floats) -> Floats:
    """Directions in which the patches differ most, as columns."""
    centred = patches - patches.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(vectors[:, -_PATCH_NUMBERS:])


def _follow(
    source: npt.NDArray[np.int64], small_hole: Pixels, height: int, width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and column each full-size pixel takes its detail from."""
    small_height, small_width = small_hole.shape
    origin = np.arange(small_hole.size)
    origin[small_hole.ravel() > 0] = source
    rows, columns = np.mgrid[:height, :width]
    small_rows = np.minimum(rows * small_height // height, small_height - 1)
    small_columns = np.minimum(columns * small_width // width, small_width - 1)
    chosen = origin[small_rows * small_width + small_columns]
    taken_rows = chosen // small_width * height // small_height
    taken_columns = chosen % small_width * width // small_width
    rows_in = rows - small_rows * height // small_height
    columns_in = columns - small_columns * width // small_width
    return (
        np.minimum(taken_rows + rows_in, height - 1),
        np.minimum(taken_columns + columns_in, width - 1),
    )
