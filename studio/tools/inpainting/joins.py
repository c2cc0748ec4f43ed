"""Making the joins between copied pieces vanish: their light is bent until they meet.

Pérez, Gangnet and Blake, "Poisson image editing", 2003: the steps of brightness inside a piece stay
as they were where it was copied from, and the difference to the next piece is spread over both.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.models.runtime import Floats

_MOST_STEP = 16.0
"""Levels; where pieces differ more they show different things, and an edge is right. Nor is a pixel
changed by more."""
_FADE_PX = 32
"""How far from its join a correction is felt: without a limit, many small ones that point the same
way add up, and one piece stains another."""
_SWEEPS = 24
"""At each size, from what the half size found: errors that are left are smooth and small."""
_LEAST_SIDE_PX = 8

_Flags = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.int64]


def bend_to_meet(copied: Floats, hole: _Flags, source: _Indices) -> Floats:
    """Even out steps between pixels that were copied from different places.

    Args:
        copied: RGB ``float32 (H, W, 3)`` with the hole filled.
        hole: ``bool (H, W)``, what was copied.
        source: flat index of the pixel each was copied from, ``int64 (H, W)``; its own outside
            of the hole.

    Returns:
        ``float32 (H, W, 3)``, unchanged outside of the hole.

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
    flat, last = copied.reshape(-1, 3), source.size - 1
    here, there = source[before][joins], source[after][joins]
    # How the step looks where each of the two comes from; the picture's own rim knows none.
    onward = flat[np.minimum(here + shift, last)] - flat[here]
    backward = flat[there] - flat[np.maximum(there - shift, 0)]
    onward_counts = hole[before][joins][:, np.newaxis].astype(np.float32)
    backward_counts = hole[after][joins][:, np.newaxis].astype(np.float32)
    usual = (onward * onward_counts + backward * backward_counts) / (
        onward_counts + backward_counts
    )
    surplus = flat[there] - flat[here] - usual
    surplus[np.abs(surplus).max(axis=1) > _MOST_STEP] = 0
    step = np.zeros((*is_join.shape, 3), np.float32)
    step[joins] = -surplus
    return step


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
