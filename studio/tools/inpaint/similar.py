"""Refining a rough filling of thin holes by nonlocal Bayesian estimation from similar patches.

Around each hole, the patches most like it are gathered from the open surroundings; what they
have in common says how the hidden part of a patch follows from the part that is seen. This is
the Gaussian patch model of Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising
algorithm", 2013, with hidden pixels in place of noisy ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

_Flags = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.int64]

_SIDE_PX = 7
_AREA_PX = _SIDE_PX**2
_STEP_PX = 3
"""Patches lie this far apart, so each pixel is estimated by about five of them."""
_TILE_PX = 32
"""Side of the squares whose patches share one search."""
_REACH_PX = 40
"""How far around a tile is searched."""
_ALIKE = 120
"""Open patches that a patch is learnt from."""
_LEAST_ALIKE = 30
"""With fewer open patches nearby, nothing can be learnt and the rough filling stays."""
_HIDDEN_WEIGHT = 0.1
"""What the rough filling counts when patches are compared."""
_GRAIN = 5.0
"""Variance of what no patch predicts, in squared levels."""
_HIDDEN_GRAIN = 1e7
"""The same of hidden pixels: so much that what the rough filling shows there decides nothing."""
_LEAST_VARIANCE = 10.0
"""In squared levels: no estimate is trusted more than this."""
_ROUGH_VARIANCE = 100.0
"""How far the rough filling is trusted, beside estimates that know their own variance."""

_BASIS = np.array([[1, 1, 1], [1, 0, -1], [0.5, -1, 0.5]], np.float32)
_BASIS /= np.linalg.norm(_BASIS, axis=1, keepdims=True)
"""Brightness and two colour differences, nearly independent of each other in photographs."""


def follow_similar(rough: Floats, hole: Pixels) -> Floats:
    """Estimate a thin hole anew, each patch by a Gaussian model of the open ones most like it.

    Args:
        rough: RGB ``float32 (H, W, 3)``, 0 to 255, with the hole filled somehow.
        hole: ``uint8 (H, W)``, 255 = to be estimated; best where it is a few pixels wide.

    Returns:
        RGB ``float32 (H, W, 3)``, 0 to 255, unchanged outside of ``hole``. Where too little is
        open around the hole, ``rough`` as it is.

    """
    if min(hole.shape) < _SIDE_PX:
        return rough
    levels = rough @ _BASIS.T
    total = levels / np.float32(_ROUGH_VARIANCE)
    weight = np.full_like(levels, 1 / _ROUGH_VARIANCE)
    windows = np.lib.stride_tricks.sliding_window_view(levels, (_SIDE_PX, _SIDE_PX), (0, 1))
    hidden = np.lib.stride_tricks.sliding_window_view(hole > 0, (_SIDE_PX, _SIDE_PX))
    is_open = np.asarray(~hidden.any(axis=(2, 3)), dtype=np.bool_)
    for rows, columns, around in _tiles(is_open):
        open_rows, open_columns = np.nonzero(is_open[around])
        if len(open_rows) < _LEAST_ALIKE:
            continue
        known = windows[around][open_rows, open_columns].reshape(-1, 3, _AREA_PX)
        seen = ~hidden[rows, columns].reshape(-1, _AREA_PX)
        patches = windows[rows, columns].reshape(-1, 3, _AREA_PX)
        values, shares = _estimate(patches, seen, known)
        _lay(total, rows, columns, values * shares)
        _lay(weight, rows, columns, shares)
    better = (total / weight) @ np.linalg.inv(_BASIS).T
    return np.where(hole[..., np.newaxis] > 0, np.clip(better, 0, 255), rough).astype(np.float32)


def _tiles(is_open: _Flags) -> Iterator[tuple[_Indices, _Indices, tuple[slice, slice]]]:
    """The patches to estimate, tile by tile.

    Args:
        is_open: whether a patch shows nothing of the hole, ``bool``, by its top left pixel.

    Yields:
        Rows and columns of the top left pixels of those that do, every ``_STEP_PX``; and the
        slices of ``is_open`` in which what is like them is looked for.

    """
    height, width = is_open.shape
    on_grid = np.zeros_like(is_open)
    on_grid[np.ix_(_steps(height), _steps(width))] = True
    wanted = on_grid & ~is_open
    for top in range(0, height, _TILE_PX):
        for left in range(0, width, _TILE_PX):
            rows, columns = np.nonzero(wanted[top : top + _TILE_PX, left : left + _TILE_PX])
            if len(rows):
                around = (
                    slice(max(top - _REACH_PX, 0), top + _TILE_PX + _REACH_PX),
                    slice(max(left - _REACH_PX, 0), left + _TILE_PX + _REACH_PX),
                )
                yield rows + top, columns + left, around


def _steps(length: int) -> _Indices:
    """Starts of patches along a side of ``length`` px: every ``_STEP_PX``, and the last one."""
    return np.unique(np.append(np.arange(0, length, _STEP_PX), length - 1))


def _estimate(patches: Floats, seen: _Flags, known: Floats) -> tuple[Floats, Floats]:
    """What the whole of each patch is likely to be, and how much each value counts.

    Args:
        patches: ``(N, 3, area)``, with the rough filling in the hidden part.
        seen: ``(N, area)``.
        known: open patches, ``(M, 3, area)``.

    Returns:
        Values and weights, both ``float32 (N, 3, area)``.

    """
    alike = known[_most_alike(patches, seen, known)]
    middle = alike.mean(axis=1)
    spread = (alike - middle[:, np.newaxis]).transpose(0, 2, 3, 1)
    common = spread @ spread.transpose(0, 1, 3, 2) / np.float32(spread.shape[3])
    grain = np.where(seen, np.float32(_GRAIN), np.float32(_HIDDEN_GRAIN))
    noisy = common + (grain[..., np.newaxis] * np.eye(_AREA_PX, dtype=np.float32))[:, np.newaxis]
    gain = np.linalg.solve(noisy, common)
    surprise = (patches - middle) * seen[:, np.newaxis]
    values = middle + (surprise[:, :, np.newaxis] @ gain)[:, :, 0]
    explained = (common * gain).sum(axis=2)
    variance = np.maximum(np.diagonal(common, axis1=2, axis2=3) - explained, 0)
    values = np.clip(values, alike.min(axis=1), alike.max(axis=1))
    return values, np.float32(1) / (variance + np.float32(_LEAST_VARIANCE))


def _most_alike(patches: Floats, seen: _Flags, known: Floats) -> _Indices:
    """Indices of the open patches nearest to each patch, ``int64 (N, at most _ALIKE)``, unsorted.

    By squared differences of levels, hidden pixels counting ``_HIDDEN_WEIGHT``; arguments as of
    ``_estimate``.
    """
    weights = np.where(seen, np.float32(1), np.float32(_HIDDEN_WEIGHT))
    weights = np.tile(weights, (1, 3))
    flat, targets = known.reshape(len(known), -1), patches.reshape(len(patches), -1)
    distance = weights @ (flat**2).T - 2 * (weights * targets) @ flat.T
    count = min(_ALIKE, len(known))
    return np.asarray(np.argpartition(distance, count - 1, axis=1)[:, :count], dtype=np.int64)


def _lay(total: Floats, rows: _Indices, columns: _Indices, values: Floats) -> None:
    """Add ``values``, ``float32 (N, 3, area)``, to ``total``, ``float32 (H, W, 3)``, in place.

    ``rows`` and ``columns`` are of the top left pixels of the patches, which may overlap.
    """
    squares = values.transpose(0, 2, 1).reshape(-1, _SIDE_PX, _SIDE_PX, 3)
    for row, column, square in zip(rows.tolist(), columns.tolist(), squares, strict=True):
        total[row : row + _SIDE_PX, column : column + _SIDE_PX] += square
