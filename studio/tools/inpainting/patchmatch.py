"""Filling holes with texture from around them.

Barnes et al., "PatchMatch: a randomized correspondence algorithm for structural image
editing", 2009, by the library pypatchmatch. The search is random, so a small hole is filled
several times and the most typical filling is kept; a large one is filled on a reduced copy,
and every patch then fetches its fine detail from where it came from.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import patchmatch
from scipy.spatial import cKDTree

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.report import Report

LEAST_SIDE_PX = 16
"""Pictures with a shorter side hold too few patches to choose from."""
_LARGE_AREA_PX = 128 * 128
"""Larger holes are filled on a copy whose hole has about this area."""
_TRIES: tuple[tuple[int, int], ...] = ((5, 0), (7, 0), (5, 1), (7, 1), (5, 2), (7, 2))
"""Patch radius and how far from the run's seed; larger patches hold larger structures."""
_LARGE_TRIES = _TRIES[:2]
_TYPICAL_SIGMA_PX = 1.0
_SHADE_SIGMA_PX = 4.0
"""Shading is taken from the mean of all fillings; what is finer, from the one that is kept."""
_DETAIL_GAIN = 0.95
"""Detail that is guessed stands back a little: nearer to the truth, and not to be seen."""
_PATCH_PX = 5
_PATCH_NUMBERS = 12
"""Principal components a patch is compared by."""


def fill(pixels: Pixels, hole: Pixels, closed: Pixels, seed: int, report: Report) -> Pixels:
    """Fill ``hole`` with patches of what is open around it.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        hole: ``uint8 (H, W)``, 255 = to be filled.
        closed: ``uint8 (H, W)``, 255 = shows nothing to copy; holds all of ``hole``.
        seed: of the search.
        report: progress 0 to 1.

    Returns:
        RGB ``uint8 (H, W, 3)``, unchanged outside of ``hole``.

    """
    factor = _reduction(hole)
    if factor == 1:
        filled = _typical(pixels, hole, closed, seed, _TRIES, report)
    else:
        small = _reduce(pixels, closed, factor)
        small_hole, small_closed = _reduce_mask(hole, factor), _reduce_mask(closed, factor)
        with report.span(0.0, 0.8):
            rough = _typical(small, small_hole, small_closed, seed, _LARGE_TRIES, report)
        filled = _refine(pixels, closed, rough, small_hole, small_closed, factor)
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


def _typical(
    pixels: Pixels,
    hole: Pixels,
    closed: Pixels,
    seed: int,
    tries: Sequence[tuple[int, int]],
    report: Report,
) -> Pixels:
    """Of several fillings the one nearest to their mean, shaded like the mean."""
    fillings = []
    for number, (radius_px, offset) in enumerate(tries):
        report.progress(number / len(tries))
        fillings.append(solve(pixels, hole, closed, radius_px, seed + offset))
    inside = hole > 0
    soft = [_blur(filling, _TYPICAL_SIGMA_PX)[inside] for filling in fillings]
    typical = np.mean(soft, axis=0)
    distances = [float(np.square(one - typical).mean()) for one in soft]
    kept = fillings[int(np.argmin(distances))].astype(np.float32)
    mean = np.asarray(np.mean(fillings, axis=0, dtype=np.float32))
    detail = kept - _blur(kept, _SHADE_SIGMA_PX)
    shaded = _blur(mean, _SHADE_SIGMA_PX) + _DETAIL_GAIN * detail
    return np.clip(np.rint(shaded), 0, 255).astype(np.uint8)


def solve(pixels: Pixels, hole: Pixels, closed: Pixels, radius_px: int, seed: int) -> Pixels:
    """One search, as ``fill`` but at full size, with patches of ``radius_px``."""
    patchmatch.set_random_seed(seed)
    # A patch may not be larger than the picture it is looked for in.
    radius_px = max(1, min(radius_px, (min(hole.shape) - 1) // 2))
    others = np.where(hole > 0, np.uint8(0), closed)
    return np.asarray(
        patchmatch.inpaint(pixels, hole, global_mask=others, patch_size=radius_px), dtype=np.uint8
    )


def _blur(pixels: Pixels | Floats, sigma_px: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(np.asarray(pixels, np.float32), (0, 0), sigma_px))


def _reduce(pixels: Pixels, closed: Pixels, factor: int) -> Pixels:
    """A reduced copy whose open pixels hold nothing of what is closed."""
    is_open = (closed == 0).astype(np.float32)
    size = _small_size(closed, factor)
    share = cv2.resize(is_open, size, interpolation=cv2.INTER_AREA)[..., np.newaxis]
    light = cv2.resize(pixels * is_open[..., np.newaxis], size, interpolation=cv2.INTER_AREA)
    levels: Floats = light / np.maximum(share, 1e-3)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _reduce_mask(mask: Pixels, factor: int) -> Pixels:
    """Closed wherever the reduced pixel is mostly closed."""
    share = cv2.resize(mask, _small_size(mask, factor), interpolation=cv2.INTER_AREA)
    return np.where(share >= 128, np.uint8(255), np.uint8(0))


def _small_size(mask: Pixels, factor: int) -> tuple[int, int]:
    height, width = mask.shape
    return max(round(width / factor), 1), max(round(height / factor), 1)


def _refine(
    pixels: Pixels,
    closed: Pixels,
    rough: Pixels,
    small_hole: Pixels,
    small_closed: Pixels,
    factor: int,
) -> Pixels:
    """The reduced filling at full size, with the fine detail of the patches it resembles."""
    height, width = closed.shape
    smooth = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    around = _reduce(pixels, closed, factor)
    seen = cv2.resize(around, (width, height), interpolation=cv2.INTER_CUBIC)
    detail = np.where(closed[..., np.newaxis] > 0, 0, pixels.astype(np.float32) - seen)
    source = _nearest_patches(rough, small_hole, small_closed)
    rows, columns = _follow(source, small_hole, height, width)
    return np.clip(np.rint(smooth + detail[rows, columns]), 0, 255).astype(np.uint8)


def _nearest_patches(rough: Pixels, hole: Pixels, closed: Pixels) -> npt.NDArray[np.int64]:
    """For each pixel of the hole the flat index of the open pixel whose patch is most alike."""
    patches = _patches(rough)
    reach = np.ones((_PATCH_PX, _PATCH_PX), np.uint8)
    is_open = cv2.dilate(closed, reach, borderType=cv2.BORDER_REPLICATE).ravel() == 0
    if not is_open.any():
        is_open = closed.ravel() == 0
    candidates = np.flatnonzero(is_open)
    basis = _principal(patches[candidates])
    tree = cKDTree(patches[candidates] @ basis)
    _, nearest = tree.query(patches[hole.ravel() > 0] @ basis)
    return np.asarray(candidates[nearest], dtype=np.int64)


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
