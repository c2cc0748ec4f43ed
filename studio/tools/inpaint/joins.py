"""Seamless joins between copied pieces, by gradient-domain (Poisson) blending.

Pérez, Gangnet and Blake, "Poisson image editing", 2003: the gradients inside a piece stay as they
were where it was copied from, and the difference to the next piece is spread over both.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.models.runtime import Floats

_MOST_STEP = 16.0
"""Levels; where pieces differ more they show different things, and an edge is right. Nor is a pixel
changed by more."""
_MEAN_PX = 7
"""Side of the squares whose means are compared: a single pixel differs from the next by its noise,
and noise along a join, taken for steps, becomes a stain."""
_DOUBT = 3.0
"""Differences up to so many standard deviations of such a mean are noise, and stay."""
_FADE_PX = 32
"""How far from its join a correction is felt: without a limit, many small ones that point the same
way add up, and one piece stains another."""
_SWEEPS = 24
"""At each size, from what the half size found: errors that are left are smooth and small."""
_LEAST_SIDE_PX = 8

_Flags = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.int64]


def bend_to_meet(copied: Floats, hole: _Flags, source: _Indices) -> Floats:
    """Even out the steps in colour at joins, by at most ``_MOST_STEP`` levels a pixel.

    A join whose step is within the noise stays as it is, and so does one that is larger than
    ``_MOST_STEP`` levels, for it is an edge. The correction fades over about ``_FADE_PX``.

    Args:
        copied: RGB ``float32 (H, W, 3)``, 0 to 255, with the hole filled.
        hole: ``bool (H, W)``, what was copied.
        source: for each pixel the flat index, row times W plus column, of the one it was copied
            from, ``int64 (H, W)``; its own outside of the hole.

    Returns:
        RGB ``float32 (H, W, 3)``, which may exceed 0 to 255; unchanged outside of the hole.

    """
    wanted = np.zeros_like(copied)
    for axis in (0, 1):
        step = _wanted_step(copied, hole, source, axis)
        before, after = _pair(axis)
        wanted[before] += step
        wanted[after] -= step
    return copied + np.clip(_membrane(wanted, hole, _FADE_PX**-2), -_MOST_STEP, _MOST_STEP)


def _pair(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Each pixel but the last along ``axis``, and the one after it."""
    first, second = [slice(None)] * 2, [slice(None)] * 2
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    return tuple(first), tuple(second)


def _wanted_step(copied: Floats, hole: _Flags, source: _Indices, axis: int) -> Floats:
    """By how much each correction should exceed the one before it along ``axis``."""
    before, after = _pair(axis)
    shift = copied.shape[1] if axis == 0 else 1
    is_join = (source[after] - source[before] != shift) & (hole[before] | hole[after])
    joins = np.nonzero(is_join)
    here, there = source[before][joins], source[after][joins]
    weights = np.stack((hole[before][joins], hole[after][joins]), axis=1).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    means, error = (levels.reshape(-1, 3) for levels in _means(copied, hole))
    surplus = _surplus(means, here, there, weights, shift)
    in_pixels = _surplus(copied.reshape(-1, 3), here, there, weights, shift)
    surplus[np.maximum(np.abs(surplus), np.abs(in_pixels)).max(axis=1) > _MOST_STEP] = 0
    doubt = _DOUBT * np.maximum(error[here], error[there])
    step = np.zeros((*is_join.shape, 3), np.float32)
    step[joins] = -np.sign(surplus) * np.maximum(np.abs(surplus) - doubt, 0)
    return step


def _surplus(
    levels: Floats, here: _Indices, there: _Indices, weights: Floats, shift: int
) -> Floats:
    """By how much the step from ``here`` to ``there`` exceeds what it is where each comes from.

    ``levels`` are ``float32 (pixels, 3)``, the sources are indices of them. ``weights``,
    ``(joins, 2)``, tell how far each side counts: the picture's own rim knows no other step.
    """
    onward = levels[np.minimum(here + shift, len(levels) - 1)] - levels[here]
    backward = levels[there] - levels[np.maximum(there - shift, 0)]
    usual = onward * weights[:, :1] + backward * weights[:, 1:]
    return np.asarray(levels[there] - levels[here] - usual, np.float32)


def _means(levels: Floats, hole: _Flags) -> tuple[Floats, Floats]:
    """Of what is open in the square round each pixel: its mean, and that mean's standard error.

    ``float32 (H, W, 3)`` in levels, as ``levels`` are; the error is what it would be if the pixels
    differed by nothing but independent noise.
    """
    side = (_MEAN_PX, _MEAN_PX)
    is_open = (~hole).astype(np.float32)[..., np.newaxis]
    share = np.maximum(cv2.blur(is_open, side)[..., np.newaxis], np.float32(_MEAN_PX**-2))
    means = np.asarray(cv2.blur(levels * is_open, side) / share, np.float32)
    squares = cv2.blur(np.square(levels) * is_open, side) / share
    variance = np.maximum(squares - np.square(means), 0)
    return means, np.asarray(np.sqrt(variance / share) / _MEAN_PX, np.float32)


def _membrane(wanted: Floats, hole: _Flags, stiffness: float) -> Floats:
    """Corrections whose steps are near to those wanted, and that are small; 0 outside of ``hole``.

    ``wanted``, ``float32 (H, W, 3)``, is the sum of the steps from each pixel to its neighbours,
    ``stiffness`` what a squared correction costs beside a squared miss of a step.
    """
    height, width = hole.shape
    correction = np.zeros_like(wanted)
    if min(height, width) > _LEAST_SIDE_PX:
        bottom, right = height % 2, width % 2
        even = np.pad(wanted, ((0, bottom), (0, right), (0, 0)))
        squares = even.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, 3)
        closed = np.pad(hole, ((0, bottom), (0, right)))
        fours = closed.reshape((height + 1) // 2, 2, (width + 1) // 2, 2)
        small_hole = np.asarray(fours.any(axis=(1, 3)), np.bool_)
        small = _membrane(squares.sum(axis=(1, 3)), small_hole, 4 * stiffness)
        size = (2 * small.shape[1], 2 * small.shape[0])
        larger = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        correction = np.asarray(larger[:height, :width], np.float32)
    is_open = ~hole
    correction[is_open] = 0
    for _ in range(_SWEEPS):
        framed = np.pad(correction, ((1, 1), (1, 1), (0, 0)), mode="edge")
        near = framed[:-2, 1:-1] + framed[2:, 1:-1] + framed[1:-1, :-2] + framed[1:-1, 2:]
        # Damped, as a plain Jacobi sweep lets a checkerboard stand.
        correction += np.float32(0.8) * ((near - wanted) / np.float32(4 + stiffness) - correction)
        correction[is_open] = 0
    return correction
